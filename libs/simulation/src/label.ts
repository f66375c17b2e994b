/** Attacks that the simulation plants. */
export const ATTACKS = [
  'ransomware',
  'legacy-lateral-movement',
  'pump-firmware-tampering',
  'monitor-network-spoofing',
  'rogue-access-point',
  'beaconing-implant',
  'credential-stuffing',
  'mfa-fatigue',
  'stolen-tablet',
  'session-hijack',
  'session-hijack-rhythm-only',
  'snooping-co-worker',
  'snooping-family',
  'snooping-neighbour',
  'snooping-vip',
  'snooping-self',
  'snooping-deceased',
  'snooping-never-treated',
  'snooping-other-department',
  'snooping-after-hours',
  'snooping-mass-lookup',
  'break-glass-abuse',
  'portal-exfiltration',
  'partner-takeover',
  'consent-bypass',
  'log-source-silencing',
  'dicom-polyglot',
] as const;
/** Name of a planted attack. */
export type AttackName = (typeof ATTACKS)[number];

/** Ground truth about one planted activity. */
export interface SimulationLabel {
  /** Unique within a simulation and, as it holds the simulation's own token, between simulations. */
  readonly id: string;
  /** The attack itself, or the one that a harmless activity resembles. */
  readonly attack: AttackName;
  readonly kind: 'attack' | 'benign-twin';
  /** What was played: `credential-stuffing`, `forced-password-change`, `infection-control-round` … */
  readonly activity: string;
  /** Every event of the activity, in event time. */
  readonly eventIds: readonly { readonly source: string; readonly id: string }[];
  /** Who and what took part, by the same kinds as in detections. */
  readonly entities: readonly { readonly kind: string; readonly id: string }[];
  /** Event time of the first event, RFC 3339. */
  readonly startsAt: string;
  /** Event time of the last event, RFC 3339. */
  readonly endsAt: string;
  /**
   * Event time from which the attack has gone further than any harmless activity of the simulation does, RFC 3339: the
   * fair start for measuring the time to detection. Null for a benign twin.
   */
  readonly detectableAt: string | null;
}
