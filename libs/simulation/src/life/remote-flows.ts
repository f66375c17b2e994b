import type { EventDraft } from '../draft';
import { endpointOf, flowDraft, type EndpointView } from '../event-drafts';
import type { SimulatedDevice } from '../hospital/model';
import type { SeededRandom } from '../random';
import type { StaffSession, Slice } from './life';
import { sessionsIn } from './session-life';

/** A line from home is opened anew so often. */
const RENEWAL_MS = 20 * 60_000;

/** Adds the connections of those who work at home: each renewal of their line to the gateway, and from there to the records. */
export function remoteFlows({ hospital, settings, seed, random, startMs, endMs }: Slice, drafts: EventDraft[]): void {
  const [gateway] = hospital.devicesOf('gateway');
  const [server] = hospital.devicesOf('ehr-server');
  if (gateway === undefined || server === undefined || settings.rates.flows === 0) return;
  for (const session of sessionsIn(hospital, settings, seed, startMs, endMs)) {
    if (!session.isRemote) continue;
    const since = Math.max(0, Math.ceil((startMs - session.startMs) / RENEWAL_MS));
    for (let timeMs = session.startMs + since * RENEWAL_MS; timeMs < endMs; timeMs += RENEWAL_MS) {
      if (timeMs >= session.endMs) break;
      drafts.push(...remoteLine(random, timeMs, session, gateway, server));
    }
  }
}

function remoteLine(
  random: SeededRandom,
  timeMs: number,
  { from, endMs }: StaffSession,
  gateway: SimulatedDevice,
  server: SimulatedDevice,
): EventDraft[] {
  const durationMs = Math.min(RENEWAL_MS, endMs - timeMs);
  const inner = endpointOf(gateway);
  const bytesOut = random.integer(20_000, 900_000);
  const bytesIn = bytesOut * random.integer(3, 9);
  const line = (at: number, opener: EndpointView, to: EndpointView, about?: SimulatedDevice): EventDraft =>
    flowDraft(at, {
      ...(about === undefined ? {} : { about: about.view }),
      from: opener,
      fromPort: random.integer(49_152, 65_535),
      to,
      toPort: 443,
      application: 'https',
      bytesOut,
      bytesIn,
      durationMs,
    });
  // Both begin in the millisecond of the session, so that no slice cuts one from the other.
  return [line(timeMs, from, inner), line(timeMs, inner, endpointOf(server), gateway)];
}
