import type { NatsConnection } from 'nats';
import type { ProtegoEvent } from '@protego/contracts';
import type { AcknowledgedEvent } from './exactly-once';
import { tokenOf, type EngineHouse } from './engine-house';
import { STUFFING_NAMES, bytesOf, failedSignIn, probeEvent, subjectOf, unsignedFirmware } from './sample-events';

/** Feeds that the load sends as. */
export const LOAD_SOURCES = ['probe', 'ehr', 'biomed-gateway'] as const;
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
  readonly #remembered = new Map<string, ProtegoEvent[]>();
  readonly #lanes: Promise<void>[] = [];
  #isStopping = false;
  #count = 0;

  constructor(
    private readonly house: EngineHouse,
    private readonly random: () => number,
  ) {}

  /** Each feed has one way in, as in a hospital: else one way, when it is blocked, makes the other's events late. */
  start(probe: NatsConnection, simulation: NatsConnection): void {
    for (let lane = 0; lane < 3; lane++) {
      this.#lanes.push(this.#lane('probe', 15, (event) => this.#overNats(probe, event)));
    }
    this.#lanes.push(this.#lane('ehr', 15, (event) => this.#overHttp([event])));
    this.#lanes.push(this.#lane('biomed-gateway', 15, (event) => this.#overHttp([event])));
    this.#lanes.push(this.#linesLane('biomed-gateway'));
    this.#lanes.push(this.#againLane('biomed-gateway', simulation));
  }

  /** Resolves when everything that was begun is acknowledged. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    await Promise.all(this.#lanes);
  }

  async #lane(source: string, pauseMsMax: number, send: (event: ProtegoEvent) => Promise<void>): Promise<void> {
    while (!this.#isStopping) {
      await send(this.#next(source));
      await pause(pauseMsMax * this.random());
    }
  }

  async #linesLane(source: string): Promise<void> {
    while (!this.#isStopping) {
      await this.#overHttp(Array.from({ length: LINES }, () => this.#next(source)));
      await pause(300 * this.random());
    }
  }

  /** Tries more names from one address than anybody has; resolves when all of it is acknowledged. */
  async attack(): Promise<void> {
    const nowMs = Date.now();
    const first = this.#count;
    const events = Array.from({ length: 2 * STUFFING_NAMES }, () => {
      const id = `ehr-${this.#count++}`;
      return failedSignIn(nowMs, id, `198.51.100.${first % 250}`, `name-${id}`, 'ehr');
    });
    await this.#overHttp(events);
  }

  /** Sends over the bus what the engine has acknowledged over HTTP. */
  async #againLane(source: string, connection: NatsConnection): Promise<void> {
    while (!this.#isStopping) {
      const known = this.#known(source);
      if (known !== undefined) await this.#overNats(connection, known);
      await pause(100 * this.random());
    }
  }

  #next(source: string): ProtegoEvent {
    const nowMs = Date.now();
    const id = `${source}-${this.#count++}`;
    const choice = this.random();
    const known = this.#known(source);
    if (choice < 0.1 && known !== undefined) return known;
    const timeMs = choice < 0.2 ? nowMs - LATE_MS : nowMs;
    if (source !== 'ehr' && choice < 0.7) {
      return choice < 0.5 ? unsignedFirmware(timeMs, id, { source }) : probeEvent(timeMs, { id, source });
    }
    if (source === 'biomed-gateway') return probeEvent(timeMs, { id, source });
    // The count is shared by all lanes, so that feeds make up an attack together.
    const attack = Math.floor(this.#count / (60 * STUFFING_NAMES));
    return failedSignIn(timeMs, id, `203.0.113.${attack % 250}`, `name-${this.#count}`, source);
  }

  #known(source: string): ProtegoEvent | undefined {
    const known = this.#remembered.get(source) ?? [];
    return known[Math.floor(this.random() * known.length)];
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
      const results = await this.#post(body, type, events[0]?.source ?? '').catch(() => undefined);
      if (results !== undefined) {
        results.forEach((result, i) => this.#noteAnswer(result, events[i] as ProtegoEvent));
        return;
      }
      this.retryCount++;
      await pause(RETRY_MS);
    }
  }

  async #post(body: string, type: string, source: string): Promise<Answer[] | undefined> {
    const response = await this.house.post(body, type, tokenOf(source));
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
    const known = this.#remembered.get(event.source) ?? [];
    this.#remembered.set(event.source, known);
    if (known.length < REMEMBERED_MAX) known.push(event);
    else known[Math.floor(this.random() * REMEMBERED_MAX)] = event;
  }
}

interface Answer {
  readonly id: string;
  readonly seq?: number;
  readonly duplicate?: boolean;
}
