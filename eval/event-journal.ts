import {
  parseRfc3339Ms,
  dataschemaOf,
  eventRegistry,
  type EventSeq,
  type LoggedEvent,
  type ProtegoEvent,
} from '@protego/contracts';

/** Ids of a source that are remembered at least, so that an event that was sent twice is taken once. */
const RECENT_IDS_MIN = 20_000;

/** Ids of one source, in two generations: the older one is forgotten when the newer one is full. */
class RecentIds {
  #newer = new Set<string>();
  #older = new Set<string>();

  /** False for an id that was added not long ago. */
  add(id: string): boolean {
    if (this.#newer.has(id) || this.#older.has(id)) return false;
    if (this.#newer.size >= RECENT_IDS_MIN) [this.#newer, this.#older] = [new Set(), this.#newer];
    this.#newer.add(id);
    return true;
  }
}

/** Takes events in as the log does, without writing them down: each once, numbered, with its times read. */
export class EventJournal {
  readonly #ids: string[] = [];
  readonly #sources: string[] = [];
  readonly #recent = new Map<string, RecentIds>();

  /** Events taken. */
  get size(): number {
    return this.#ids.length;
  }

  /** The event as the pipeline reads it; undefined for one that was taken before. */
  take(event: ProtegoEvent): LoggedEvent | undefined {
    const { source, id } = event;
    let recent = this.#recent.get(source);
    if (recent === undefined) this.#recent.set(source, (recent = new RecentIds()));
    if (!recent.add(id)) return undefined;
    const seq = this.#ids.length as EventSeq;
    this.#ids.push(id);
    this.#sources.push(source);
    return { seq, timeMs: msOf(event.time), arrivedAtMs: msOf(event.arrivedat), event: lifted(event) };
  }

  /** Name of an event that was taken. */
  eventAt(seq: number): { readonly source: string; readonly id: string } {
    return { source: this.#sources[seq] as string, id: this.#ids[seq] as string };
  }
}

function lifted(event: ProtegoEvent): ProtegoEvent {
  const data = eventRegistry.upcast(event.type, event.dataschema, event.data);
  if (data === event.data) return event;
  return { ...event, dataschema: dataschemaOf(event.type, eventRegistry.latestVersionOf(event.type)), data };
}

function msOf(text: string | undefined): number {
  const ms = text === undefined ? undefined : parseRfc3339Ms(text);
  if (ms === undefined) throw new Error(`an event of the simulation has the time \`${String(text).slice(0, 64)}\``);
  return ms;
}
