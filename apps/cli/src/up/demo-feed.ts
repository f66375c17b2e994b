import { connect, type NatsConnection } from 'nats';
import {
  canonicalJson,
  familyOf,
  formatRfc3339,
  inputSubject,
  parseRfc3339Ms,
  type ProtegoEvent,
} from '@protego/contracts';
import { START_TIME_DEFAULT, simulateHospital, type Simulation } from '@protego/simulation';

const HOUR_MS = 3_600_000;
const IN_FLIGHT_MAX = 256;
/** Three attacks and three harmless activities like them in an hour, of kinds that an hour is long enough for. */
const DEMO_SETTINGS: Readonly<Record<string, string>> = {
  attackKinds: 'credential-stuffing,pump-firmware-tampering,snooping-mass-lookup',
  attacksPerDay: '72',
  twinsPerDay: '72',
};

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

/** Who feeds, and where. */
export interface DemoBus {
  readonly url: string;
  readonly name: string;
  readonly password: string;
}

/** What was fed. */
export interface DemoCounts {
  readonly events: number;
  /** Without those that the bus knew already: a hospital sends some events twice. */
  readonly stored: number;
}

/** The simulated hour that a demonstration feeds. */
export function demoSimulation({ number, startTime }: DemoHour, site: string): Simulation {
  return simulateHospital({
    scenario: 'general',
    seed: number,
    days: HOUR_MS / 86_400_000,
    startTime,
    site,
    settings: DEMO_SETTINGS,
  });
}

/** Publishes one simulated hour as fast as the bus takes it. */
export async function feedDemoHour(hour: DemoHour, site: string, bus: DemoBus): Promise<DemoCounts> {
  const connection = await connect({
    servers: bus.url,
    user: bus.name,
    pass: bus.password,
    inboxPrefix: `_INBOX_${bus.name}`,
    name: 'protego-demo-feed',
  });
  try {
    return await publishAll(connection, demoSimulation(hour, site).events, site);
  } finally {
    await connection.close();
  }
}

async function publishAll(
  connection: NatsConnection,
  events: Iterable<ProtegoEvent>,
  site: string,
): Promise<DemoCounts> {
  const stream = connection.jetstream({ timeout: 20_000 });
  const inFlight: Promise<void>[] = [];
  const counts = { events: 0, stored: 0 };
  for (const event of events) {
    // Ids are unique per source, the stream is shared by all of them.
    const msgID = `${event.source}/${event.id}`;
    const subject = inputSubject(site, familyOf(event.type), event.source);
    const published = stream.publish(subject, canonicalJson(event), { msgID });
    const counted = published.then(({ duplicate }) => void (counts.stored += duplicate ? 0 : 1));
    // Each is awaited below, but not before others; one that fails early must not end the process.
    counted.catch(() => undefined);
    inFlight.push(counted);
    counts.events++;
    if (inFlight.length >= IN_FLIGHT_MAX) await Promise.all(inFlight.splice(0, IN_FLIGHT_MAX / 2));
  }
  await Promise.all(inFlight);
  return counts;
}
