import type { EventDraft } from '../draft';
import { DAY_MS } from '../durations';
import { flowDraft, type EndpointView } from '../event-drafts';
import { ORDINARY_HOSTS } from '../hospital/addresses';
import type { Hospital } from '../hospital/model';
import type { SeededRandom } from '../random';
import { busyness } from './day-shape';
import type { FlowKind, Span } from './flow-kinds';
import { WEB_FROM, flowPlanOf, outsideHost, type BeatLine, type Opener } from './flow-plan';
import type { Life, Slice } from './life';
import { remoteFlows } from './remote-flows';
import { studyFlows } from './study-flows';

/** Connections of all devices, as the network monitor sums them up. */
export const NETWORK_LIFE: Life = {
  name: 'network',
  drafts: (slice) => {
    const drafts: EventDraft[] = [];
    beatFlows(slice, drafts);
    chanceFlows(slice, drafts);
    studyFlows(slice, drafts);
    remoteFlows(slice, drafts);
    return drafts;
  },
};

function beatFlows({ hospital, random, startMs, endMs }: Slice, drafts: EventDraft[]): void {
  const { lines, beats } = flowPlanOf(hospital);
  const due = beats.within(startMs, endMs);
  for (let i = 0; i < due.length; i += 3) {
    const line = lines[due[i] as number] as BeatLine;
    const n = due[i + 1] as number;
    const timeMs = due[i + 2] as number;
    if (line.kind.only === 'by-day' && busyness('office', timeMs) < 1) continue;
    drafts.push(flowOf(random, timeMs, line.kind, line, line.to[n % line.to.length] as EndpointView));
  }
}

function chanceFlows({ hospital, random, startMs, endMs }: Slice, drafts: EventDraft[]): void {
  const dayShare = (endMs - startMs) / DAY_MS;
  for (const { kind, shape, perDay, openers } of flowPlanOf(hospital).chances) {
    const isWeb = kind.to === 'web';
    for (let left = random.times(perDay * busyness(shape, startMs) * dayShare); left > 0; left--) {
      const opener = random.pick(openers);
      if (!isPresent(hospital, opener, startMs)) continue;
      const to = isWeb ? webHost(hospital, random) : random.pick(opener.to);
      drafts.push(flowOf(random, random.integer(startMs, endMs - 1), kind, opener, to));
    }
  }
}

/** Phones of staff are in the house while their owners work there. */
function isPresent(hospital: Hospital, { about: { owner } }: Opener, timeMs: number): boolean {
  if (owner === undefined) return true;
  const person = hospital.personOf(owner);
  return person !== undefined && hospital.dutyOf(person, timeMs)?.isOnCall === false;
}

function flowOf(
  random: SeededRandom,
  timeMs: number,
  kind: FlowKind,
  { about, from }: Opener,
  to: EndpointView,
): EventDraft {
  return flowDraft(timeMs, {
    about,
    from,
    fromPort: random.integer(49_152, 65_535),
    to,
    toPort: kind.service.port,
    application: kind.service.application,
    protocol: kind.service.protocol,
    bytesOut: within(random, kind.bytesOut),
    bytesIn: within(random, kind.bytesIn),
    durationMs: within(random, kind.durationMs),
  });
}

/** Small numbers are more frequent than large ones. */
function within(random: SeededRandom, [from, to]: Span): number {
  const share = random.fraction();
  return from + Math.floor((to - from) * share * share);
}

const webHosts = new WeakMap<Hospital, readonly EndpointView[]>();

/** A host of the web; some are visited more often than others, each by several people a week. */
function webHost(hospital: Hospital, random: SeededRandom): EndpointView {
  let hosts = webHosts.get(hospital);
  if (hosts === undefined) {
    hosts = Array.from({ length: ORDINARY_HOSTS - WEB_FROM }, (_, index) => outsideHost(hospital, WEB_FROM + index));
    webHosts.set(hospital, hosts);
  }
  const share = random.fraction();
  return hosts[Math.floor(share * share * hosts.length)] as EndpointView;
}
