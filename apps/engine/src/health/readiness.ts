import { Injectable } from '@nestjs/common';

/** Whether the engine takes events in. */
@Injectable()
export class Readiness {
  /** True from the end of the start to the beginning of the stop. */
  isReady = false;
  /** True while the consumer of the input stream delivers. */
  isInputFlowing = false;
}
