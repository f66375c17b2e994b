/** An event as far as counting goes. */
export interface CountedEvent {
  readonly source: string;
  readonly id: string;
  readonly seq: number;
}

/** An event that somebody was told is durable. */
export interface AcknowledgedEvent {
  readonly source: string;
  readonly id: string;
  /** Place in the log that was answered; undefined where none was. */
  readonly seq?: number;
}

/** A message of the result stream. */
export interface PublishedResult {
  readonly id: string;
  /** Place in the log that it claims. */
  readonly seq: number;
}

const nameOf = ({ source, id }: AcknowledgedEvent): string => `${source}/${id}`;

/** What is wrong with the log in the eyes of those who were told that their events are in it; empty when nothing is. */
export function lossesOf(acknowledged: readonly AcknowledgedEvent[], log: readonly CountedEvent[]): string[] {
  const places = new Map<string, number>();
  for (const event of log) places.set(nameOf(event), event.seq);
  return acknowledged.flatMap((event) => {
    const place = places.get(nameOf(event));
    if (place === undefined) return [`${nameOf(event)} is lost`];
    return event.seq === undefined || event.seq === place
      ? []
      : [`${nameOf(event)} was answered ${event.seq} and is at ${place}`];
  });
}

/** Events that the log holds more than once, and places that are not in a row; empty when there are none. */
export function repetitionsOf(log: readonly CountedEvent[]): string[] {
  const seen = new Set<string>();
  return log.flatMap((event, place) => {
    const problems = event.seq === place ? [] : [`${nameOf(event)} has seq ${event.seq} at place ${place}`];
    if (seen.has(nameOf(event))) problems.push(`${nameOf(event)} is in the log again at ${event.seq}`);
    seen.add(nameOf(event));
    return problems;
  });
}

/** Where the stream of results differs from the results in the log: each must be there once, in the order of the log. */
export function publicationFaultsOf(
  results: readonly PublishedResult[],
  published: readonly PublishedResult[],
): string[] {
  const problems: string[] = [];
  const seen = new Set<string>();
  const logged = new Map(results.map(({ id, seq }) => [id, seq]));
  let lastSeq = -1;
  for (const { id, seq } of published) {
    if (seen.has(id)) problems.push(`${id} is published again`);
    seen.add(id);
    if (logged.get(id) !== seq)
      problems.push(`${id} is published for ${seq} and stands at ${logged.get(id) ?? 'no place'}`);
    if (seq <= lastSeq) problems.push(`${id} of ${seq} is published after ${lastSeq}`);
    lastSeq = seq;
  }
  for (const { id } of results) if (!seen.has(id)) problems.push(`${id} is not published`);
  return problems;
}
