# Fails if a module (MODULE, the optimised one) has a sum that a driver may fuse with a product or not, or an fma() that it may take apart, as it
# likes, or one that the optimiser made: in one kernel it may be so and in another not, and then a row's bits depend on which one
# made it. And if it unpacks halves as the driver likes.
execute_process(COMMAND ${DISASSEMBLER} --no-color --raw-id ${MODULE} OUTPUT_VARIABLE text COMMAND_ERROR_IS_FATAL ANY)
string(REGEX MATCHALL "%[0-9]+ = OpF(Add|Sub) |%[0-9]+ = OpExtInst %[0-9]+ %[0-9]+ Fma " sums "${text}")
foreach(sum ${sums})
  string(REGEX MATCH "^%[0-9]+" id "${sum}")
  string(FIND "${text}" "OpDecorate ${id} NoContraction" at)
  if(at EQUAL -1)
    list(APPEND loose ${id})
  endif()
endforeach()
if(loose)
  message(FATAL_ERROR "${MODULE}: the sums ${loose} are not precise; write the shader so that they are, or leave out the optimiser's pass that fuses or forgets marks.")
endif()
if(text MATCHES " UnpackHalf2x16 ")
  message(FATAL_ERROR "${MODULE}: a driver may unpack small halves as 0; take halves() of halves.glsl.")
endif()
