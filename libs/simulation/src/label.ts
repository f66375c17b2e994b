import type { ActivityLabel } from '@protego/contracts';

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
export interface SimulationLabel extends ActivityLabel {
  readonly attack: AttackName;
}
