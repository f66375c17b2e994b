import { messageOf } from '@protego/contracts';

/** Time without a call after which no key is left in memory as plaintext, milliseconds. */
export const IDLE_MS = 1_000;

/** Encrypts the keys in the memory of an enclave's process when it has had nothing to do for a while. */
export class IdleEviction {
  #timer: NodeJS.Timeout | undefined;

  /**
   * @param evict encrypts all keys in memory
   * @param say told when that failed: the memory is locked then, and the next call is refused
   */
  constructor(
    private readonly evict: () => void,
    private readonly say: (message: string) => void,
    private readonly idleMs = IDLE_MS,
  ) {}

  /** Notes that there was something to do. */
  touch(): void {
    if (this.#timer === undefined) this.#timer = setTimeout(() => this.#run(), this.idleMs).unref();
    else this.#timer.refresh();
  }

  close(): void {
    clearTimeout(this.#timer);
  }

  #run(): void {
    try {
      this.evict();
    } catch (error) {
      this.say(`keys could not be encrypted in memory: ${messageOf(error)}`);
    }
  }
}
