import { memberOf, nameOf, type FactData as Data } from './fact-readers';

/** Announced work on a device began or ended. */
export type WorkFact = {
  readonly kind: 'work';
  readonly device: string;
  readonly isBegin: boolean;
  /** How long it was planned to take; null where nobody said. */
  readonly plannedMs: number | null;
};

/** The agent that ships a device's logs spoke. */
export type AgentFact = { readonly kind: 'agent'; readonly device: string };

/** A network card said that an address is its own. */
export type AddressClaimFact = {
  readonly kind: 'address-claim';
  readonly ip: string;
  readonly mac: string;
  /** Part of the network in which the card was heard. */
  readonly network: string | null;
  /** What the network takes the card for. */
  readonly device: string | null;
};

/** News about devices that are looked after. */
export type UpkeepFact = WorkFact | AgentFact | AddressClaimFact;

/** Readers of such news, by event type. */
export const UPKEEP_READERS: readonly (readonly [string, (data: Data) => UpkeepFact | undefined])[] = [
  ['device.maintenance-started', (data) => workFact(data, true)],
  ['device.maintenance-ended', (data) => workFact(data, false)],
  ['device.agent-reported', agentFact],
  ['device.address-claimed', addressClaimFact],
];

// Work without a ticket was announced to nobody.
function workFact(data: Data, isBegin: boolean): WorkFact | undefined {
  const device = nameOf(memberOf(data, 'device'), 'uid');
  if (device === null || nameOf(data, 'ticket') === null) return undefined;
  const minutes = data['planned_minutes'];
  const plannedMs = typeof minutes === 'number' && Number.isFinite(minutes) ? minutes * 60_000 : null;
  return { kind: 'work', device, isBegin, plannedMs };
}

function agentFact(data: Data): AgentFact | undefined {
  const device = nameOf(memberOf(data, 'device'), 'uid');
  return device === null ? undefined : { kind: 'agent', device };
}

function addressClaimFact(data: Data): AddressClaimFact | undefined {
  const [ip, mac] = [nameOf(data, 'ip'), nameOf(data, 'mac')];
  if (ip === null || mac === null) return undefined;
  return {
    kind: 'address-claim',
    ip,
    mac: mac.toLowerCase(),
    network: nameOf(data, 'network'),
    device: nameOf(memberOf(data, 'device'), 'uid'),
  };
}
