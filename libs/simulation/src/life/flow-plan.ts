import { HOUR_MS } from '../durations';
import { endpointOf, outside, type EndpointView } from '../event-drafts';
import { drawFraction, drawIndex } from '../hospital/draws';
import type { DeviceClass, DeviceView, Hospital, SimulatedDevice } from '../hospital/model';
import { SeededRandom } from '../random';
import { Beats, beatOf, type Beat } from './beat';
import { shapeOfWard, type DayShape } from './day-shape';
import { FLOW_KINDS, type FlowKind, type OutsidePeer } from './flow-kinds';

/** A device that opens connections of a kind, and whom it may reach. */
export interface Opener {
  readonly about: DeviceView;
  readonly from: EndpointView;
  /** Never empty. */
  readonly to: readonly EndpointView[];
}

/** Connections that a device opens again and again. */
export interface BeatLine extends Opener {
  readonly kind: FlowKind;
  readonly beat: Beat;
}

/** Connections that devices of a kind open by chance, busier at some hours than at others. */
export interface ChanceGroup {
  readonly kind: FlowKind;
  readonly shape: DayShape;
  /** Of all of them together, each day. */
  readonly perDay: number;
  readonly openers: readonly Opener[];
}

/** Who connects to whom in a hospital. */
export interface FlowPlan {
  readonly lines: readonly BeatLine[];
  /** Of the lines, in their order. */
  readonly beats: Beats;
  readonly chances: readonly ChanceGroup[];
}

// Hosts outside by their number among those of ordinary life. What comes after is the rest of the web.
const TIME_SERVER = 0;
const NAME_SERVER = 1;
const MESSAGES = 2;
const MAKERS_FROM = 3;
const MAKERS = 14;
/** First host of the web that people visit. */
export const WEB_FROM = MAKERS_FROM + MAKERS;

/** Makers in the order of their hosts; whoever is not named shares one of the last. */
const MADE: readonly DeviceClass[] = ['imaging', 'lab-analyser', 'wearable', 'workstation'];

const plans = new WeakMap<Hospital, FlowPlan>();

/** The plan of a hospital, made once. */
export function flowPlanOf(hospital: Hospital): FlowPlan {
  const known = plans.get(hospital);
  if (known !== undefined) return known;
  const plan = buildPlan(hospital);
  plans.set(hospital, plan);
  return plan;
}

/** A host outside, by its number among those of ordinary life. */
export function outsideHost(hospital: Hospital, pick: number): EndpointView {
  const { ip, hostname } = hospital.ordinaryOutsideHost(pick);
  return outside(ip, hospital.countryOf(ip), hostname);
}

function buildPlan(hospital: Hospital): FlowPlan {
  const { settings } = hospital;
  const rate = settings.eventRateFactor * settings.rates.flows;
  const lines: BeatLine[] = [];
  const chances: ChanceGroup[] = [];
  FLOW_KINDS.forEach((kind, number) => {
    if (rate === 0) return;
    const key = SeededRandom.ofStream(hospital.seed, `flows/${number}`).word();
    const openers = openersOf(hospital, kind, key);
    const { often } = kind;
    if ('everyMs' in often) {
      openers.forEach((opener, index) => lines.push({ ...opener, kind, beat: beatFor(kind, key, index, rate) }));
    } else {
      chances.push(...chanceGroups(kind, often.perDay * rate, openers));
    }
  });
  return { lines, beats: new Beats(lines.map(({ beat }) => beat)), chances };
}

function beatFor({ often, only }: FlowKind, key: number, index: number, rate: number): Beat {
  const { everyMs, jitter } = often as { everyMs: number; jitter: number };
  if (only !== 'by-night') return beatOf(key, index, Math.max(1_000, Math.round(everyMs / rate)), jitter);
  // Within one hour of the night, at every rate: what is copied once a night is not copied more often.
  const hour = (22 + drawIndex(6, key, index, 3)) % 24;
  const minute = 5 + drawIndex(45, key, index, 4);
  return { ...beatOf(key, index, everyMs, jitter), phaseMs: hour * HOUR_MS + minute * 60_000 };
}

function chanceGroups(kind: FlowKind, perDay: number, openers: readonly Opener[]): ChanceGroup[] {
  const shapes: readonly DayShape[] = ['ward', 'office'];
  return shapes
    .map((shape) => openers.filter(({ about }) => shapeOfWard(about.ward) === shape))
    .flatMap((group, index) => {
      const shape = shapes[index] as DayShape;
      return group.length === 0 ? [] : [{ kind, shape, perDay: perDay * group.length, openers: group }];
    });
}

function openersOf(hospital: Hospital, kind: FlowKind, key: number): Opener[] {
  return hospital
    .devicesOf(kind.from)
    .filter(({ view }, index) => {
      const isOneOfSome = kind.share === undefined || drawFraction(key, index, 5) < kind.share;
      return isOneOfSome && kind.wards?.includes(view.ward) !== false;
    })
    .flatMap((device, index) => {
      const to = peersOf(hospital, kind, device, index);
      return to.length === 0 ? [] : [{ about: device.view, from: endpointOf(device), to }];
    });
}

function peersOf(hospital: Hospital, kind: FlowKind, device: SimulatedDevice, index: number): EndpointView[] {
  if (isOutside(kind.to)) return outsidePeers(hospital, kind, kind.to);
  const inWard = kind.inWard === true ? hospital.devicesOf(kind.to, device.view.ward) : [];
  const peers = inWard.length > 0 ? inWard : hospital.devicesOf(kind.to);
  if (peers.length === 0) return [];
  // A server of its own for each device; printers are chosen anew each time.
  if (kind.to === 'printer') return peers.map(endpointOf);
  return [endpointOf(peers[index % peers.length] as SimulatedDevice)];
}

const OUTSIDE_PEERS: readonly OutsidePeer[] = ['maker', 'web', 'time-server', 'name-server', 'partner'];

function isOutside(peer: FlowKind['to']): peer is OutsidePeer {
  return OUTSIDE_PEERS.some((known) => known === peer);
}

function outsidePeers(hospital: Hospital, kind: FlowKind, peer: OutsidePeer): EndpointView[] {
  switch (peer) {
    case 'time-server':
      return [outsideHost(hospital, TIME_SERVER)];
    case 'name-server':
      return [outsideHost(hospital, NAME_SERVER)];
    case 'web':
      // Those who go by chance choose anew each time; a program that asks for news has its own host.
      return [outsideHost(hospital, MESSAGES)];
    case 'maker':
      return makersOf(hospital, kind.from);
    case 'partner':
      return hospital.partners.flatMap(({ networks }) => networks.map((network) => partnerHost(hospital, network)));
  }
}

/** All devices of a class have one maker; what keeps others up to date asks all of them. */
function makersOf(hospital: Hospital, type: DeviceClass): EndpointView[] {
  const place = MADE.indexOf(type);
  if (place >= 0) return [outsideHost(hospital, MAKERS_FROM + place)];
  return Array.from({ length: MAKERS }, (_, index) => outsideHost(hospital, MAKERS_FROM + index));
}

/** The first host in a partner's network: where its interfaces answer. */
function partnerHost(hospital: Hospital, network: string): EndpointView {
  const [start = ''] = network.split('/');
  const dot = start.lastIndexOf('.') + 1;
  const ip = start.slice(0, dot) + String(Number(start.slice(dot)) + 1);
  return outside(ip, hospital.countryOf(ip));
}
