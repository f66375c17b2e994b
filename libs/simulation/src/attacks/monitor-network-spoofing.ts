import { addressClaim, networkOf, ownAddressClaim, sharedGatewayAddress } from '../address-claims';
import type { EventDraft } from '../draft';
import type { SimulatedDevice } from '../hospital/model';
import { firstBeat } from '../life/beat';
import { reportDraft, reporterOf, type Reporter } from '../life/telemetry-life';
import type { Readings } from '../life/vital-signs';
import { amountOf, type Script, type Stage } from './activity';
import { Storyline, ofAddress, ofDevice, oneOf } from './storyline';

const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;

/** Another device at the beds of the ward, which somebody has taken over. */
function bystander({ hospital, random }: Stage, monitor: SimulatedDevice): SimulatedDevice | undefined {
  const { ward } = monitor.view;
  const others = [...hospital.devicesOf('infusion-pump', ward), ...hospital.devicesOf('patient-monitor', ward)];
  const fitting = others.filter((each) => each !== monitor);
  return fitting.length === 0 ? undefined : random.pick(fitting);
}

/**
 * The one in the middle says that the addresses of the monitor and of its central station are its own, again and again; they
 * defend them (RFC 5227, section 2.4; RFC 826).
 */
const addressTakenOver: Script = {
  attack: 'monitor-network-spoofing',
  kind: 'attack',
  name: 'monitor-address-taken-over',
  source: 'research of 2018: between a monitor and its central station, on the network of a ward',
  durationMsMax: 35 * MINUTE_MS,
  play: (stage) => {
    const monitor = oneOf(stage, 'patient-monitor');
    if (monitor === undefined) return undefined;
    const { ward } = monitor.view;
    const station = oneOf(stage, 'central-station', ward) ?? oneOf(stage, 'central-station');
    const other = bystander(stage, monitor);
    if (station === undefined || other === undefined) return undefined;
    const story = new Storyline(stage);
    const { random, hospital } = stage;
    const neighbours = hospital.devicesOf('patient-monitor', ward).filter((each) => each !== monitor && each !== other);
    const owners = [monitor, station, ...random.sample(neighbours, 1)];
    let detectableAtMs = stage.startMs;
    story.repeat(amountOf(stage, 60, 30), 30 * MINUTE_MS, (index) => {
      for (const owner of owners) {
        story.add(addressClaim(story.nowMs, other.view, owner.view.ip, other.view.mac, networkOf(other)));
        if (random.chance(0.8)) story.add(ownAddressClaim(story.nowMs + random.integer(50, 900), owner));
      }
      if (index < 3) detectableAtMs = story.nowMs;
    });
    story.pass(4 * MINUTE_MS);
    story.add(ownAddressClaim(story.nowMs, monitor), ownAddressClaim(story.nowMs, station));
    return story.course(
      [ofDevice(monitor), ofDevice(station), ofDevice(other), ofAddress(monitor.view.ip)],
      detectableAtMs,
    );
  },
};

/** A second card with the monitor's number, at a socket of another ward, while the monitor goes on. */
const cardCloned: Script = {
  attack: 'monitor-network-spoofing',
  kind: 'attack',
  name: 'monitor-card-cloned',
  source: 'advisories of 2019 to 2025 about monitors that know each other by the number of a card',
  durationMsMax: 45 * MINUTE_MS,
  play: (stage) => {
    const monitor = oneOf(stage, 'patient-monitor');
    if (monitor === undefined) return undefined;
    const elsewhere = stage.random.pick(
      stage.hospital.devicesOf('workstation').filter(({ view }) => view.ward !== monitor.view.ward),
    );
    const { random } = stage;
    const { view } = monitor;
    const story = new Storyline(stage);
    let detectableAtMs = stage.startMs;
    story.repeat(amountOf(stage, 40, 24), 40 * MINUTE_MS, (index) => {
      story.add(addressClaim(story.nowMs, view, view.ip, view.mac, networkOf(elsewhere)));
      story.add(ownAddressClaim(story.nowMs + random.integer(200, 4_000), monitor));
      if (index < 3) detectableAtMs = story.nowMs;
    });
    return story.course([ofDevice(monitor), ofAddress(view.ip)], detectableAtMs);
  },
};

/** A report of a monitor that is in use, so that there is something to alter. */
type ReportInUse = EventDraft & { readonly data: { readonly readings: Readings } };

const isInUse = (draft: EventDraft): draft is ReportInUse => 'readings' in draft.data;

/** A monitor that reports readings at a time; undefined where none of some does. */
function monitorInUse({ hospital, random, startMs }: Stage): Reporter | undefined {
  return random
    .sample(hospital.devicesOf('patient-monitor'), 24)
    .map((device) => reporterOf(hospital, device))
    .find((reporter) => reporter !== undefined && isInUse(reportDraft(reporter, firstBeat(reporter.beat, startMs))));
}

/** The same report again, with readings that alarm nobody. */
const readingsAltered: Script = {
  attack: 'monitor-network-spoofing',
  kind: 'attack',
  name: 'monitor-readings-altered',
  source: 'research of 2018 and an advisory of 2025: the central station believes whoever speaks last',
  durationMsMax: 8 * 60 * MINUTE_MS,
  play: (stage) => {
    const { random, startMs, pace } = stage;
    const reporter = monitorInUse(stage);
    if (reporter === undefined) return undefined;
    const endMs = startMs + Math.floor((8 * 60 * MINUTE_MS) / pace) - MINUTE_MS;
    const story = new Storyline(stage);
    const count = amountOf(stage, 16, 4);
    const first = firstBeat(reporter.beat, startMs) + 1;
    for (let n = first; n < first + count; n++) {
      const genuine = reportDraft(reporter, n);
      const timeMs = genuine.timeMs + random.integer(200, 20_000);
      if (timeMs > endMs) break;
      if (!isInUse(genuine)) continue;
      const { readings } = genuine.data;
      const calm = { ...readings, heart_rate: random.integer(68, 78), spo2: 97 + random.integer(0, 10) / 10 };
      story.add(reportDraft(reporter, n, { timeMs, readings: calm }));
    }
    return story.course([ofDevice(reporter.device)], story.firstMs);
  },
};

/** A monitor that starts anew counts from the beginning, each time with other readings. */
const monitorRestarted: Script = {
  attack: 'monitor-network-spoofing',
  kind: 'benign-twin',
  name: 'monitor-restarted',
  source: 'a monitor with a loose plug: it starts again and again and counts from one',
  durationMsMax: 60 * MINUTE_MS,
  play: (stage) => {
    const reporter = monitorInUse(stage);
    if (reporter === undefined) return undefined;
    const story = new Storyline(stage);
    const next = firstBeat(reporter.beat, stage.startMs);
    for (let start = amountOf(stage, 4, 2); start > 0; start--) {
      for (let sequence = 1; sequence <= 3; sequence++) {
        story.add(reportDraft(reporter, next + 3 * start + sequence, { timeMs: story.nowMs, sequence, status: 'ok' }));
        story.pass(50 * SECOND_MS);
      }
      story.pass(6 * MINUTE_MS);
    }
    return story.course([ofDevice(reporter.device)], null, [
      {
        deviceUid: reporter.device.view.uid,
        types: ['device.telemetry-reported'],
        fromMs: stage.startMs,
        toMs: story.nowMs,
      },
    ]);
  },
};

const deviceReplaced: Script = {
  attack: 'monitor-network-spoofing',
  kind: 'benign-twin',
  name: 'monitor-replaced',
  source: 'a monitor goes to the workshop; its replacement takes the address over',
  durationMsMax: 60 * MINUTE_MS,
  play: (stage) => {
    const type = stage.random.pick(['patient-monitor', 'infusion-pump'] as const);
    const gone = oneOf(stage, type);
    const come = oneOf(stage, type);
    if (gone === undefined || come === undefined || gone === come) return undefined;
    const story = new Storyline(stage);
    story.add(ownAddressClaim(story.nowMs, gone));
    story.pass(20 * MINUTE_MS);
    story.repeat(amountOf(stage, 4), 30 * MINUTE_MS, () => {
      story.add(addressClaim(story.nowMs, come.view, gone.view.ip, come.view.mac, networkOf(gone)));
    });
    return story.course([ofDevice(gone), ofDevice(come)], null, [
      { deviceUid: gone.view.uid, types: ['device.address-claimed'], fromMs: stage.startMs, toMs: story.nowMs },
    ]);
  },
};

/** One gateway takes the shared address over from the other, and gives it back after a while (RFC 9568). */
const gatewayFailover: Script = {
  attack: 'monitor-network-spoofing',
  kind: 'benign-twin',
  name: 'gateway-failover',
  source: 'two gateways that share an address: one takes over, and gives it back',
  durationMsMax: 90 * MINUTE_MS,
  play: (stage) => {
    const [first, second] = stage.hospital.devicesOf('gateway');
    const address = sharedGatewayAddress(stage.hospital);
    if (first === undefined || second === undefined || address === undefined) return undefined;
    const story = new Storyline(stage);
    const claims = (holder: SimulatedDevice, usualMs: number): void =>
      story.repeat(amountOf(stage, 6, 3), usualMs, () =>
        story.add(addressClaim(story.nowMs, holder.view, address, holder.view.mac, networkOf(holder))),
      );
    claims(first, 10 * MINUTE_MS);
    const fromMs = story.nowMs;
    claims(second, 30 * MINUTE_MS);
    const toMs = story.nowMs;
    claims(first, 40 * MINUTE_MS);
    const types = ['device.address-claimed'];
    return story.course([ofDevice(first), ofDevice(second)], null, [
      { deviceUid: first.view.uid, types, fromMs, toMs },
    ]);
  },
};

/** Somebody between a monitor and those who watch it, and changes of addresses that are meant. */
export const MONITOR_NETWORK_SPOOFING_SCRIPTS: readonly Script[] = [
  addressTakenOver,
  cardCloned,
  readingsAltered,
  monitorRestarted,
  deviceReplaced,
  gatewayFailover,
];
