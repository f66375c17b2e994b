import type { NatsConnection } from 'nats';
import type { ProtegoEvent } from '@protego/contracts';
import type { AcknowledgedEvent } from './exactly-once';
import { SITE, type EngineHouse } from './engine-house';
import { STUFFING_NAMES, bytesOf, failedSignIn, probeEvent, subjectOf, unsignedFirmware } from './sample-events';

const LATE_MS = 600_000;
const RETRY_MS = 30;
const ANSWER_MS_MAX = 700;
const LINES = 20;
/** Of what was acknowledged, so much is at hand to be sent again. */
const REMEMBERED_MAX = 500;

/** A small generator with a seed, so that a failing run can be made again. */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/**
 * Producers that keep sending, over NATS and over HTTP, whatever happens to server and engine. Each sends what was not
 * acknowledged again with the same id, and now and then something that was.
 */
export class Load {
  readonly acknowledged: AcknowledgedEvent[] = [];
  /** Answers that said "known already". */
  duplicateCount = 0;
  /** Attempts without an answer, or with one that says "later". */
  retryCount = 0;
  readonly #remembered: ProtegoEvent[] = [];
  readonly #lanes: Promise<void>[] = [];
  #isStopping = false;
  #count = 0;

  constructor(
    private readonly house: EngineHouse,
    private readonly random: () => number,
  ) {}

  start(connection: NatsConnection): void {
    for (const lane of [0, 1, 2])
      this.#lanes.push(this.#lane(`nats-${lane}`, (event) => this.#overNats(connection, event)));
    for (const lane of [0, 1]) this.#lanes.push(this.#lane(`http-${lane}`, (event) => this.#overHttp([event])));
    this.#lanes.push(this.#linesLane());
  }

  /** Resolves when everything that was begun is acknowledged. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    await Promise.all(this.#lanes);
  }

  async #lane(name: string, send: (event: ProtegoEvent) => Promise<void>): Promise<void> {
    while (!this.#isStopping) {
      await send(this.#next(name));
      await pause(15 * this.random());
    }
  }

  async #linesLane(): Promise<void> {
    while (!this.#isStopping) {
      await this.#overHttp(Array.from({ length: LINES }, () => this.#next('lines')));
      await pause(300 * this.random());
    }
  }

  #next(lane: string): ProtegoEvent {
    const nowMs = Date.now();
    const id = `${lane}-${this.#count++}`;
    const choice = this.random();
    const known = this.#remembered[Math.floor(this.random() * this.#remembered.length)];
    if (choice < 0.1 && known !== undefined) return known;
    if (choice < 0.2) return probeEvent(nowMs - LATE_MS, { id });
    if (choice < 0.4) return unsignedFirmware(nowMs, id);
    if (choice > 0.7) return probeEvent(nowMs, { id });
    // The count is shared by all lanes, so that several of them make up each attack.
    const attack = Math.floor(this.#count / (8 * STUFFING_NAMES));
    return failedSignIn(nowMs, id, `203.0.113.${attack % 250}`, `name-${this.#count}`);
  }

  async #overNats(connection: NatsConnection, event: ProtegoEvent): Promise<void> {
    const stream = connection.jetstream({ timeout: ANSWER_MS_MAX });
    const msgID = `${event.source}/${event.id}`;
    for (;;) {
      try {
        await stream.publish(subjectOf(event), bytesOf(event), { msgID });
        return this.#note({ source: event.source, id: event.id }, event);
      } catch {
        this.retryCount++;
        await pause(RETRY_MS);
      }
    }
  }

  async #overHttp(events: readonly ProtegoEvent[]): Promise<void> {
    const body = events.map((event) => bytesOf(event).toString()).join('\n');
    const type = events.length === 1 ? 'application/json' : 'application/x-ndjson';
    for (;;) {
      const results = await this.#post(body, type).catch(() => undefined);
      if (results !== undefined) {
        results.forEach((result, i) => this.#noteAnswer(result, events[i] as ProtegoEvent));
        return;
      }
      this.retryCount++;
      await pause(RETRY_MS);
    }
  }

  async #post(body: string, type: string): Promise<Answer[] | undefined> {
    const response = await this.house.post(body, type);
    if (!response.ok) return undefined;
    const answer = (await response.json()) as Answer & { results?: Answer[] };
    return answer.results ?? [answer];
  }

  #noteAnswer({ id, seq, duplicate }: Answer, event: ProtegoEvent): void {
    if (id !== event.id || (seq === undefined) !== (duplicate === true))
      throw new Error(`a wrong answer for ${event.id}`);
    if (duplicate === true) this.duplicateCount++;
    this.#note({ source: event.source, id, seq }, event);
  }

  #note(acknowledged: AcknowledgedEvent, event: ProtegoEvent): void {
    this.acknowledged.push(acknowledged);
    if (event.site !== SITE) throw new Error('a foreign event');
    if (this.#remembered.length < REMEMBERED_MAX) this.#remembered.push(event);
    else this.#remembered[Math.floor(this.random() * REMEMBERED_MAX)] = event;
  }
}

interface Answer {
  readonly id: string;
  readonly seq?: number;
  readonly duplicate?: boolean;
}
