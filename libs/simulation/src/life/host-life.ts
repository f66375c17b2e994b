import type { EventDraft } from '../draft';
import { hostDraft, type UserView } from '../event-drafts';
import { AGENT_VERSION, agentIntervalMs, isHost } from '../host-agents';
import {
  SERVICE_ACCOUNTS,
  agentDraft,
  backupFile,
  deskDraft,
  documentFile,
  fleetDraft,
  hostFileDraft,
  studyFile,
  unreadable,
} from '../host-work';
import { drawFraction, drawIndex } from '../hospital/draws';
import type { Hospital, SimulatedDevice } from '../hospital/model';
import { SLICE_MS, type Life, type Slice } from './life';

const HOUR_MS = 3_600_000;
const SLICES_PER_DAY = (24 * HOUR_MS) / SLICE_MS;

/** An agent speaks this much earlier or later than it should, at most, milliseconds. */
const JITTER_MS = 20_000;

// How often things happen on a host and day.
const FLEET_COMMANDS_PER_DAY = 3;
const DESK_COMMANDS_PER_DAY = 8;
const DOCUMENTS_PER_WARD_AND_DAY = 16;
const BACKUP_PARTS_PER_NIGHT = 70;
const OLD_BACKUP_PARTS_PER_NIGHT = 30;
const COMPRESSED_STUDIES_PER_NIGHT = 12;
const MEDIA_PER_DAY = 5;
const KNOWN_MEDIA_SHARE = 0.75;

/** How much is done in an hour of the day (UTC), as a part of the mean. */
const DAY_CURVE = [
  0.3, 0.25, 0.25, 0.25, 0.3, 0.5, 1, 1.7, 1.9, 1.9, 1.8, 1.6, 1.5, 1.7, 1.8, 1.7, 1.4, 1.1, 0.9, 0.8, 0.7, 0.6, 0.5,
  0.4,
] as const;
const NIGHT_HOURS = [23, 0, 1, 2, 3] as const;

const hourOf = (timeMs: number): number => Math.floor(timeMs / HOUR_MS) % 24;

/** How much people do at a time, as a part of the mean. */
export function dayFactor(timeMs: number): number {
  return DAY_CURVE[hourOf(timeMs)] as number;
}

/** Hosts of a hospital, found once. */
const hostsOfHouse = new WeakMap<Hospital, readonly SimulatedDevice[]>();

function hostsOf(hospital: Hospital): readonly SimulatedDevice[] {
  const known = hostsOfHouse.get(hospital);
  if (known !== undefined) return known;
  const hosts = hospital.devices.filter(isHost);
  hostsOfHouse.set(hospital, hosts);
  return hosts;
}

/** Workstations and servers: what runs on them, what lies on their disks, media, and the agents that tell of it. */
export const HOST_LIFE: Life = {
  name: 'hosts',
  drafts: (slice) => [
    ...heartbeats(slice),
    ...commandsOf(slice),
    ...documents(slice),
    ...nightJobs(slice),
    ...media(slice),
  ],
};

/** How often something happens in this slice that happens so often in a day. */
function timesIn({ random, settings }: Slice, perDay: number): number {
  return random.times((perDay * settings.rates.hosts * settings.eventRateFactor) / SLICES_PER_DAY);
}

const timeIn = ({ random, startMs, endMs }: Slice): number => random.integer(startMs, endMs - 1);

// An agent has a beat of its own: the time of its n-th word follows from seed, host and n.
function heartbeats({ hospital, seed, startMs, endMs }: Slice): EventDraft[] {
  const drafts: EventDraft[] = [];
  hostsOf(hospital).forEach((host, index) => {
    const intervalMs = agentIntervalMs(host);
    const phaseMs = drawIndex(intervalMs, seed, index, 1);
    const firstBeat = Math.floor((startMs - JITTER_MS - phaseMs) / intervalMs);
    for (let beat = firstBeat; beat * intervalMs + phaseMs - JITTER_MS < endMs; beat++) {
      const jitterMs = Math.floor((drawFraction(seed, index, beat, 2) * 2 - 1) * JITTER_MS);
      const timeMs = beat * intervalMs + phaseMs + jitterMs;
      if (timeMs < startMs || timeMs >= endMs) continue;
      const usual = host.view.type === 'workstation' ? 150 * dayFactor(timeMs) : 1200;
      const records = Math.round(usual * (0.6 + 0.8 * drawFraction(seed, index, beat, 3))) + 1;
      drafts.push(agentDraft(timeMs, host.view, records, AGENT_VERSION));
    }
  });
  return drafts;
}

function commandsOf(slice: Slice): EventDraft[] {
  const { hospital, random } = slice;
  const hosts = hostsOf(hospital);
  const seats = hospital.devicesOf('workstation');
  const drafts: EventDraft[] = [];
  for (let n = timesIn(slice, FLEET_COMMANDS_PER_DAY * hosts.length); n > 0; n--)
    drafts.push(fleetDraft(timeIn(slice), random.pick(hosts).view, random));
  for (let n = timesIn(slice, DESK_COMMANDS_PER_DAY * seats.length * dayFactor(slice.startMs)); n > 0; n--) {
    const seat = random.pick(seats);
    const user = somebodyOf(slice, seat.view.ward);
    if (user !== undefined) drafts.push(deskDraft(timeIn(slice), seat.view, user, random));
  }
  return drafts;
}

function somebodyOf({ hospital, random, startMs }: Slice, ward: string): UserView | undefined {
  const onDuty = hospital.onDuty(startMs, { ward });
  return onDuty.length === 0 ? undefined : random.pick(onDuty).person.user;
}

/** What people do with a document; changes most of the time. */
const DOCUMENT_ACTS = ['changed', 'changed', 'changed', 'created', 'created', 'renamed', 'deleted'] as const;

function documents(slice: Slice): EventDraft[] {
  const { hospital, random, startMs } = slice;
  const servers = hospital.devicesOf('file-server');
  if (servers.length === 0) return [];
  const drafts: EventDraft[] = [];
  const perDay = DOCUMENTS_PER_WARD_AND_DAY * hospital.wards.length * dayFactor(startMs);
  for (let n = timesIn(slice, perDay); n > 0; n--) {
    const { name } = random.pick(hospital.wards);
    const user = somebodyOf(slice, name);
    if (user === undefined) continue;
    const file = documentFile(random, name);
    drafts.push(hostFileDraft(timeIn(slice), random.pick(servers).view, random.pick(DOCUMENT_ACTS), file, user));
  }
  return drafts;
}

function nightJobs(slice: Slice): EventDraft[] {
  const { hospital, random, startMs } = slice;
  if (!NIGHT_HOURS.some((hour) => hour === hourOf(startMs))) return [];
  const perNight = (count: number): number => timesIn(slice, (count * 24) / NIGHT_HOURS.length);
  const drafts: EventDraft[] = [];
  for (const { view } of hospital.devicesOf('backup-server')) {
    for (let n = perNight(BACKUP_PARTS_PER_NIGHT); n > 0; n--)
      drafts.push(hostFileDraft(timeIn(slice), view, 'created', backupFile(random), SERVICE_ACCOUNTS.backup));
    for (let n = perNight(OLD_BACKUP_PARTS_PER_NIGHT); n > 0; n--)
      drafts.push(hostFileDraft(timeIn(slice), view, 'deleted', backupFile(random), SERVICE_ACCOUNTS.backup));
  }
  for (const { view } of hospital.devicesOf('image-archive')) {
    for (let n = perNight(COMPRESSED_STUDIES_PER_NIGHT); n > 0; n--) {
      const file = studyFile(random);
      const timeMs = timeIn(slice);
      drafts.push(hostFileDraft(timeMs, view, 'created', unreadable(file, random), SERVICE_ACCOUNTS.imaging));
      drafts.push(hostFileDraft(timeMs, view, 'deleted', file, SERVICE_ACCOUNTS.imaging));
    }
  }
  return drafts;
}

function media(slice: Slice): EventDraft[] {
  const { hospital, random, startMs } = slice;
  const places = [...hospital.devicesOf('workstation'), ...hospital.devicesOf('imaging')];
  const drafts: EventDraft[] = [];
  for (let n = timesIn(slice, MEDIA_PER_DAY * dayFactor(startMs)); n > 0 && places.length > 0; n--) {
    const facts = {
      type: random.chance(0.7) ? 'usb-storage' : 'optical-disc',
      uid: `usb-${random.integer(100_000, 999_999)}`,
      known: random.chance(KNOWN_MEDIA_SHARE),
    };
    drafts.push(hostDraft(timeIn(slice), 'device.media-attached', random.pick(places).view, { media: facts }));
  }
  return drafts;
}
