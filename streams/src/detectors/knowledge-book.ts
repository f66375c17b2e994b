import { ProtegoError, familyOf, type LoggedEvent } from '@protego/contracts';
import { elementOperator } from '../operators/element-operator';
import { compareEventOrder } from '../operators/event-heap';
import type { Json, StateStore, StreamElement } from '../operators/stream-element';
import type { Observation } from './detector';
import { readFact, withPseudonyms } from './facts';

const FAMILIES: ReadonlySet<string> = new Set(['roster', 'care', 'watchlist']);

/** Most events that one book holds. */
export const KNOWLEDGE_EVENTS_MAX = 4_000_000;

/** True for the types that say what is known of the house: rosters, care relationships, watch lists. */
export function isKnowledgeType(type: string): boolean {
  return FAMILIES.has(familyOf(type));
}

/** What a whole log knows of the house, whenever it learnt of it: in event-time order. */
export interface KnowledgeBook {
  readonly observations: readonly Observation[];
}

/** Gathers the knowledge of a log. It rests on tokens and open fields, which outlive an erasure. */
export class KnowledgeReader {
  readonly #observations: Observation[] = [];

  /**
   * Takes in any event; what is no knowledge is passed over.
   *
   * @throws ProtegoError `REPLAY_TOO_LARGE` beyond {@link KNOWLEDGE_EVENTS_MAX}
   */
  take(logged: LoggedEvent): void {
    const { event, timeMs, seq, pseudonyms } = logged;
    if (!isKnowledgeType(event.type)) return;
    const fact = readFact(logged);
    if (fact === undefined) return;
    if (this.#observations.length >= KNOWLEDGE_EVENTS_MAX) {
      const details = { eventsMax: KNOWLEDGE_EVENTS_MAX };
      throw new ProtegoError('REPLAY_TOO_LARGE', `more than ${KNOWLEDGE_EVENTS_MAX} events of knowledge`, details);
    }
    const told = pseudonyms === undefined ? fact : withPseudonyms(fact, pseudonyms);
    this.#observations.push({ timeMs, source: event.source, id: event.id, seq, fact: told });
  }

  /** The book of all that came in so far. */
  book(): KnowledgeBook {
    return { observations: [...this.#observations].sort(compareEventOrder) };
  }
}

/** How far a session has read in a book of knowledge. */
export class KnowledgeCursor implements StateStore {
  #next = 0;

  constructor(private readonly book: KnowledgeBook) {}

  /**
   * Puts what is known into a stream in event-time order, each piece where its own time stands, so that everything after that
   * time is judged with it.
   */
  readonly insert = elementOperator<StreamElement<Observation>, StreamElement<Observation>>((out) => ({
    next: (element) => {
      const { observations } = this.book;
      for (; this.#next < observations.length; this.#next++) {
        const known = observations[this.#next] as Observation;
        const isDue =
          element.kind === 'event' ? compareEventOrder(known, element.event) <= 0 : known.timeMs < element.watermarkMs;
        if (!isDue) break;
        out.next({ kind: 'event', event: known, timeMs: known.timeMs, timing: 'on-time' });
      }
      out.next(element);
    },
  }));

  snapshot(): Json {
    return this.#next;
  }

  restore(state: Json): void {
    this.#next = state as number;
  }
}
