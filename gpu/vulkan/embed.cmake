# Writes the words of a SPIR-V file (FROM) as an initialiser list (TO).
file(READ ${FROM} hex HEX)
string(REGEX REPLACE "(..)(..)(..)(..)" "0x\\4\\3\\2\\1," words "${hex}")
string(REGEX REPLACE "(0x........,0x........,0x........,0x........,0x........,0x........,0x........,0x........,)" "\\1\n" words "${words}")
file(WRITE ${TO} "${words}\n")
