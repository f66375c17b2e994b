import { connect, type NatsConnection } from 'nats';
import {
  canonicalJson,
  familyOf,
  formatRfc3339,
  inputSubject,
  parseRfc3339Ms,
  type ProtegoEvent,
} from '@protego/contracts';
import { START_TIME_DEFAULT, simulateHospital } from '@protego/simulation';

const HOUR_MS = 3_600_000;
const IN_FLIGHT_MAX = 256;

/** Which hour of the simulated hospital comes next. */
export interface DemoHour {
  /** Counted from 1; it is also the seed. */
  readonly number: number;
  readonly startTime: string;
}

/** The hour after what the log holds, so that a second start goes on with the same hospital. */
export function nextDemoHour(lastArrivedAtMs: number | undefined): DemoHour {
  const startMs = parseRfc3339Ms(START_TIME_DEFAULT) as number;
  const passed = lastArrivedAtMs === undefined ? 0 : Math.max(0, Math.ceil((lastArrivedAtMs - startMs) / HOUR_MS));
  return { number: passed + 1, startTime: formatRfc3339(startMs + passed * HOUR_MS) };
}

/** Publishes one simulated hour as fast as the bus takes it; resolves with the number of events. */
export async function feedDemoHour(
  hour: DemoHour,
  site: string,
  bus: { url: string; user: string; password: string },
): Promise<number> {
  const connection = await connect({
    servers: bus.url,
    user: bus.user,
    pass: bus.password,
    inboxPrefix: `_INBOX_${bus.user}`,
    name: 'protego-demo-feed',
  });
  try {
    const { events } = simulateHospital({
      scenario: 'general',
      seed: hour.number,
      days: 1 / 24,
      startTime: hour.startTime,
      site,
    });
    return await publishAll(connection, events, site);
  } finally {
    await connection.close();
  }
}

async function publishAll(connection: NatsConnection, events: Iterable<ProtegoEvent>, site: string): Promise<number> {
  const stream = connection.jetstream({ timeout: 20_000 });
  const inFlight: Promise<unknown>[] = [];
  let count = 0;
  for (const event of events) {
    // Ids are unique per source, the stream is shared by all of them.
    const msgID = `${event.source}/${event.id}`;
    inFlight.push(
      stream.publish(inputSubject(site, familyOf(event.type), event.source), canonicalJson(event), { msgID }),
    );
    count++;
    if (inFlight.length >= IN_FLIGHT_MAX) await Promise.all(inFlight.splice(0, IN_FLIGHT_MAX / 2));
  }
  await Promise.all(inFlight);
  return count;
}
