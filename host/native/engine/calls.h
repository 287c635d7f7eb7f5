/* How a function is written for each X(name, count) of limpet_core.h's lists of exports:
 *
 *   limpet_core *core CALL_PARAMETERS_2  ─►  limpet_core *core, int32_t p1, int32_t p2
 *   f(core CALL_ARGUMENTS_2)             ─►  f(core, (uint32_t)p1, (uint32_t)p2)
 *
 * Nine is what limpet_connect has, and no export has more. */

#ifndef LIMPET_ENGINE_CALLS_H
#define LIMPET_ENGINE_CALLS_H

#define CALL_PARAMETERS_0
#define CALL_PARAMETERS_1 , int32_t p1
#define CALL_PARAMETERS_2 CALL_PARAMETERS_1, int32_t p2
#define CALL_PARAMETERS_3 CALL_PARAMETERS_2, int32_t p3
#define CALL_PARAMETERS_4 CALL_PARAMETERS_3, int32_t p4
#define CALL_PARAMETERS_5 CALL_PARAMETERS_4, int32_t p5
#define CALL_PARAMETERS_6 CALL_PARAMETERS_5, int32_t p6
#define CALL_PARAMETERS_7 CALL_PARAMETERS_6, int32_t p7
#define CALL_PARAMETERS_8 CALL_PARAMETERS_7, int32_t p8
#define CALL_PARAMETERS_9 CALL_PARAMETERS_8, int32_t p9

#define CALL_ARGUMENTS_0
#define CALL_ARGUMENTS_1 , (uint32_t)p1
#define CALL_ARGUMENTS_2 CALL_ARGUMENTS_1, (uint32_t)p2
#define CALL_ARGUMENTS_3 CALL_ARGUMENTS_2, (uint32_t)p3
#define CALL_ARGUMENTS_4 CALL_ARGUMENTS_3, (uint32_t)p4
#define CALL_ARGUMENTS_5 CALL_ARGUMENTS_4, (uint32_t)p5
#define CALL_ARGUMENTS_6 CALL_ARGUMENTS_5, (uint32_t)p6
#define CALL_ARGUMENTS_7 CALL_ARGUMENTS_6, (uint32_t)p7
#define CALL_ARGUMENTS_8 CALL_ARGUMENTS_7, (uint32_t)p8
#define CALL_ARGUMENTS_9 CALL_ARGUMENTS_8, (uint32_t)p9

#endif
