import { Injectable } from '@nestjs/common';

/** Whether the engine takes events in. */
@Injectable()
export class Readiness {
  isReady = false;
}
