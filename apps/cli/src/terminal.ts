import { SingleBar } from 'cli-progress';
import { systemClock, type Clock } from '@protego/contracts';

const LINE_EVERY_MS = 3_000;

/** Where a command says what it does: results on standard output, progress and remarks on standard error. */
export class Terminal {
  constructor(
    /** True with `--json`: results are JSON, for programs. */
    readonly isJson: boolean,
    private readonly clock: Clock = systemClock,
  ) {}

  /** The result of a command: one JSON document, or the lines for a person. */
  result(value: unknown, lines: readonly string[]): void {
    process.stdout.write(this.isJson ? `${JSON.stringify(value)}\n` : `${lines.join('\n')}\n`);
  }

  /** A line of output that is data in both modes. */
  line(text: string): void {
    process.stdout.write(`${text}\n`);
  }

  /** A remark that is not a result. */
  note(text: string): void {
    process.stderr.write(`${text}\n`);
  }

  /** Progress of long work: a bar on a terminal, else a line every few seconds. */
  progress(what: string, unit: string): Progress {
    return process.stderr.isTTY
      ? new BarProgress(what, unit)
      : new LineProgress(what, unit, this.clock, (text) => this.note(text));
  }
}

/** Progress of one piece of work. */
export interface Progress {
  /** `total` is 0 while it is not known. */
  update(done: number, total: number): void;
  stop(): void;
}

class BarProgress implements Progress {
  readonly #bar: SingleBar;
  #isStarted = false;

  constructor(what: string, unit: string) {
    this.#bar = new SingleBar({
      format: `${what} [{bar}] {value}/{total} ${unit}, {eta_formatted} left`,
      hideCursor: true,
    });
  }

  update(done: number, total: number): void {
    if (!this.#isStarted) this.#bar.start(Math.max(total, done), done);
    this.#isStarted = true;
    this.#bar.setTotal(Math.max(total, done));
    this.#bar.update(done);
  }

  stop(): void {
    if (this.#isStarted) this.#bar.stop();
  }
}

class LineProgress implements Progress {
  readonly #startedMs: number;
  #saidMs: number;

  constructor(
    private readonly what: string,
    private readonly unit: string,
    private readonly clock: Clock,
    private readonly say: (text: string) => void,
  ) {
    this.#startedMs = this.#saidMs = clock.monotonicMs();
  }

  update(done: number, total: number): void {
    const nowMs = this.clock.monotonicMs();
    if (nowMs - this.#saidMs < LINE_EVERY_MS) return;
    this.#saidMs = nowMs;
    const rate = Math.round((done * 1_000) / (nowMs - this.#startedMs));
    this.say(`${this.what}: ${done}${total > 0 ? ` of ${total}` : ''} ${this.unit}, ${rate}/s`);
  }

  stop(): void {
    // What was said last stands; the command's result follows.
  }
}
