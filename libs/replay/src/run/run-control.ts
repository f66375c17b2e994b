import { ProtegoError } from '@protego/contracts';

/** Lets whoever watches a run halt it, let it go on, and end it: between batches of records, so that nothing is torn. */
export class RunControl {
  #isCancelled = false;
  #paused: Promise<void> | undefined;
  #goOn: () => void = () => undefined;

  get isPaused(): boolean {
    return this.#paused !== undefined;
  }

  /** Halts the run before its next batch. */
  pause(): void {
    this.#paused ??= new Promise((resolve) => (this.#goOn = resolve));
  }

  /** Lets a run that was halted go on. */
  resume(): void {
    this.#paused = undefined;
    this.#goOn();
  }

  /** Ends the run before its next batch. */
  cancel(): void {
    this.#isCancelled = true;
    this.resume();
  }

  /**
   * To be called before each batch; resolves when the run may go on.
   *
   * @throws ProtegoError `REPLAY_CANCELLED`
   */
  async turn(): Promise<void> {
    while (this.#paused !== undefined) await this.#paused;
    if (this.#isCancelled) throw new ProtegoError('REPLAY_CANCELLED', 'the run was ended before it was done');
  }
}
