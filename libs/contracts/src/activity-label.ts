/** An activity that is known to have happened: an attack, or what only resembles one. As `simulate` writes it. */
export interface ActivityLabel {
  /** Unique within a history and, as it holds the token of a simulation, between simulations. */
  readonly id: string;
  /** Kind of the attack, or of the one that a harmless activity resembles. */
  readonly attack: string;
  readonly kind: 'attack' | 'benign-twin';
  /** What was played: `credential-stuffing`, `forced-password-change`, `infection-control-round` … */
  readonly activity: string;
  /** Every event of the activity, in event time. */
  readonly eventIds: readonly { readonly source: string; readonly id: string }[];
  /** Who and what took part, by the same kinds as in detections; persons by their names in clear. */
  readonly entities: readonly { readonly kind: string; readonly id: string }[];
  /** Event time of the first event, RFC 3339. */
  readonly startsAt: string;
  /** Event time of the last event, RFC 3339. */
  readonly endsAt: string;
  /**
   * Event time from which an attack has gone further than any harmless activity of the simulation does, RFC 3339: the fair
   * start for measuring the time to detection. Null where it is no attack.
   */
  readonly detectableAt: string | null;
}
