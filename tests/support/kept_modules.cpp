// Linked into programs that the address sanitizer watches. Drivers, layers and fontconfig keep some memory to the end; where their modules
// are unloaded before leaks are counted, nobody can tell any more whose it was. So modules stay, and theirs are named. Weak, since a program may be
// made of the objects of another.

extern "C" {

__attribute__((weak, visibility("default"))) int dlclose(void*) { return 0; }

__attribute__((weak, visibility("default"))) const char* __lsan_default_suppressions() {
  return "leak:libvulkan\nleak:libVkLayer\nleak:libLLVM\nleak:libEGL\nleak:libGLX\nleak:libgallium\nleak:swrast_dri\nleak:libfontconfig\n";
}
}
