/* The protocol half of hiredis: its reader. Transport and requests are ours (Sources/Redis). */
#include <hiredis/hiredis.h>
#include <hiredis/read.h>
