// The one place that holds volk's functions: Vulkan's loader, opened at run time.

#define VOLK_IMPLEMENTATION
#include <volk.h>
