import { endpointOf, flowDraft, outside, type EndpointView } from './event-drafts';
import type { EventDraft } from './draft';
import type { DeviceClass, DeviceView, Hospital, SimulatedDevice } from './hospital/model';
import { WEB_FROM, outsideHost } from './life/flow-plan';
import type { SeededRandom } from './random';
import type { ReachedService } from './reached-services';

/** Bytes and time of a connection. */
export interface Carried {
  readonly bytesOut: number;
  readonly bytesIn: number;
  readonly durationMs: number;
}

const MEDICAL: ReadonlySet<DeviceClass> = new Set([
  'infusion-pump',
  'patient-monitor',
  'central-station',
  'ventilator',
  'imaging',
  'lab-analyser',
]);

/** One end of a connection: a device of the house, or an address with what is known of it. */
export type End = SimulatedDevice | EndpointView;

const isDevice = (end: End): end is SimulatedDevice => 'view' in end;

/** A connection as the network monitor files it: under the medical device of the two, else under the one that opened it. */
export function connectionDraft(
  timeMs: number,
  from: End,
  to: End,
  service: ReachedService,
  carried: Carried,
  random: SeededRandom,
): EventDraft {
  const about = aboutOf(from, to);
  return flowDraft(timeMs, {
    ...(about === undefined ? {} : { about }),
    from: isDevice(from) ? endpointOf(from) : from,
    fromPort: random.integer(49_152, 65_535),
    to: isDevice(to) ? endpointOf(to) : to,
    toPort: service.port,
    application: service.application,
    ...(service.protocol === undefined ? {} : { protocol: service.protocol }),
    ...carried,
  });
}

function aboutOf(from: End, to: End): DeviceView | undefined {
  const [opener, reached] = [from, to].map((end) => (isDevice(end) ? end.view : undefined));
  if (opener !== undefined && (MEDICAL.has(opener.type) || reached === undefined || !MEDICAL.has(reached.type)))
    return opener;
  return reached !== undefined && MEDICAL.has(reached.type) ? reached : undefined;
}

/** Share of strange places that are reached by their address alone. */
const NAMELESS_SHARE = 0.15;

/** A host outside that nobody of the house talks to in ordinary life. */
export function strangePlace(hospital: Hospital, random: SeededRandom): EndpointView {
  const { ip, hostname } = hospital.strangeOutsideHost(random.integer(0, 1_000_000));
  return outside(ip, hospital.countryOf(ip), random.chance(NAMELESS_SHARE) ? undefined : hostname);
}

/** Somewhere on the Internet, an address from which nobody comes in ordinary life. */
export function strangeCaller(hospital: Hospital, random: SeededRandom): EndpointView {
  const ip = hospital.strangeAddress(random.integer(0, 1_000_000));
  return outside(ip, hospital.countryOf(ip));
}

/** The places of the web that are visited most, by their numbers among the hosts of ordinary life. */
const VISITED_MOST = 40;

/** A host outside that many devices of the house talk to in ordinary life. */
export function ordinaryPlace(hospital: Hospital, random: SeededRandom): EndpointView {
  return outsideHost(hospital, WEB_FROM + random.integer(0, VISITED_MOST - 1));
}

/** A short connection that asks and is answered. */
export function shortExchange(random: SeededRandom): Carried {
  return {
    bytesOut: random.integer(300, 4_000),
    bytesIn: random.integer(200, 6_000),
    durationMs: random.integer(20, 900),
  };
}

/** A knock that hardly says anything. */
export function knock(random: SeededRandom): Carried {
  return { bytesOut: random.integer(60, 400), bytesIn: random.integer(0, 300), durationMs: random.integer(1, 60) };
}

/** A connection that carries about so many bytes to the other side. */
export function upload(bytes: number, random: SeededRandom): Carried {
  const bytesOut = Math.round(bytes * (0.8 + 0.4 * random.fraction()));
  return { bytesOut, bytesIn: random.integer(2_000, 90_000), durationMs: Math.max(500, Math.round(bytesOut / 12_000)) };
}

/** A connection that fetches about so many bytes. */
export function download(bytes: number, random: SeededRandom): Carried {
  const { bytesOut, bytesIn, durationMs } = upload(bytes, random);
  return { bytesOut: bytesIn, bytesIn: bytesOut, durationMs };
}

/** A session of somebody at work on another machine. */
export function longSession(durationMs: number, random: SeededRandom): Carried {
  const seconds = Math.max(1, Math.round(durationMs / 1000));
  return {
    bytesOut: seconds * random.integer(400, 2_500),
    bytesIn: seconds * random.integer(8_000, 40_000),
    durationMs,
  };
}
