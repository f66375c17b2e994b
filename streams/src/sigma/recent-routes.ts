import type { SigmaRecord } from './record';

/** Most event ids under which routes are kept, and most routes of one of them. */
const EVENT_IDS_MAX = 1024;
const ROUTES_PER_EVENT_ID_MAX = 8;
/** Longest channel, and event id, that are kept, so that odd records cannot fill the memory. */
const NAME_LENGTH_MAX = 256;

interface Recent<R> {
  readonly type: string | null;
  readonly channel: string;
  readonly route: R;
}

/**
 * Routes of Windows records by channel and event id just as records write them, so that no text is put together and none is
 * lower-cased to find the route of most records. What does not fit is not kept, and found the other way.
 */
export class RecentRoutes<R> {
  readonly #byEventId = new Map<string | number, Recent<R>[]>();

  /** The route that was kept for a record that is alike in all that decides about it. */
  find({ type, data }: SigmaRecord): R | undefined {
    const channel = data['Channel'];
    if (typeof channel !== 'string') return undefined;
    const recents = this.#byEventId.get(data['EventID'] as string | number);
    if (recents === undefined || isOfOtherKind(data)) return undefined;
    for (let i = 0; i < recents.length; i++) {
      const recent = recents[i] as Recent<R>;
      if (recent.channel === channel && recent.type === type) return recent.route;
    }
    return undefined;
  }

  /** Keeps the route of a record, where there is room. */
  keep({ type, data }: SigmaRecord, route: R): void {
    const channel = data['Channel'];
    const eventId = data['EventID'];
    if (typeof channel !== 'string' || (typeof eventId !== 'string' && typeof eventId !== 'number')) return;
    if (isOfOtherKind(data) || channel.length > NAME_LENGTH_MAX || String(eventId).length > NAME_LENGTH_MAX) return;
    const recents = this.#byEventId.get(eventId);
    if (recents === undefined) {
      if (this.#byEventId.size < EVENT_IDS_MAX) this.#byEventId.set(eventId, [{ type, channel, route }]);
    } else if (recents.length < ROUTES_PER_EVENT_ID_MAX) recents.push({ type, channel, route });
  }
}

/** Zeek and CloudTrail records are told by these, whatever else they hold. */
function isOfOtherKind(data: SigmaRecord['data']): boolean {
  return data['_path'] !== undefined || data['eventSource'] !== undefined;
}
