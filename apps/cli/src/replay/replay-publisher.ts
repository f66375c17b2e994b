import { replayDetectionSubject, replayEndedSubject, type Detection, type ReplaySubject } from '@protego/contracts';
import { manifestText, type RunManifest } from '@protego/replay';
import type { NatsConnection } from 'nats';
import { busUrlOf, connectTo } from '../bus-connection';

/** Publishes what a replay finds, on the subjects of replays and on no others. */
export class ReplayPublisher {
  #published = 0;

  private constructor(
    private readonly connection: NatsConnection,
    private readonly site: string,
    private readonly run: string,
  ) {}

  /**
   * @param url - NATS URL with user and password, or the file that holds it
   * @param run - name of the run, a token of its subjects
   * @throws ProtegoError `NATS_UNAVAILABLE`
   */
  static async connect(url: string, site: string, run: string): Promise<ReplayPublisher> {
    const connection = await connectTo(busUrlOf(url));
    return new ReplayPublisher(connection, site, run);
  }

  /** Detections that were published. */
  get published(): number {
    return this.#published;
  }

  /** Publishes detections, given as canonical JSON; those that are muted stay silent, as they do live. */
  async detections(lines: readonly string[]): Promise<void> {
    for (const line of lines) {
      const { severity, ruleId, status } = JSON.parse(line) as Detection;
      if (status === 'muted') continue;
      this.#publish(replayDetectionSubject(this.site, this.run, severity, ruleId), line);
      this.#published++;
    }
    // Nothing is kept back here: what the server has not taken must not grow without end.
    await this.connection.flush();
  }

  /** Says that a run is done. */
  async ended(manifest: RunManifest): Promise<void> {
    this.#publish(replayEndedSubject(this.site, this.run), manifestText(manifest));
    await this.connection.flush();
  }

  async close(): Promise<void> {
    await this.connection.close();
  }

  #publish(subject: ReplaySubject, text: string): void {
    this.connection.publish(subject, Buffer.from(text));
  }
}
