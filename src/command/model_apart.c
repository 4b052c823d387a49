/* The pipeline model where it is not linked (model.h): SystemC's libraries take longer to load
 * than short runs of the functional model take in all. */
#include "model.h"

const struct model_ops model_pipeline = {.program = "visa-sim-pipeline"};
