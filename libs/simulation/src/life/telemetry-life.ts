import type { EventDraft } from '../draft';
import { deviceDraft } from '../event-drafts';
import { drawFraction, drawIndex } from '../hospital/draws';
import type { DeviceClass, Hospital, SimulatedDevice } from '../hospital/model';
import { SeededRandom } from '../random';
import { Beats, beatOf, beatTime, type Beat } from './beat';
import type { Life } from './life';
import { digestOf, patientAt, readingsOf, type Readings } from './vital-signs';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

/** How often devices of a class report. */
const INTERVALS_MS: Partial<Record<DeviceClass, number>> = {
  'patient-monitor': 45 * MINUTE_MS,
  'infusion-pump': 180 * MINUTE_MS,
  ventilator: 90 * MINUTE_MS,
  wearable: 120 * MINUTE_MS,
  'lab-analyser': 120 * MINUTE_MS,
  'cellular-gateway': 120 * MINUTE_MS,
};
/** A report comes so much later than it should, at most, as a part of the interval. */
const JITTER = 0.02;

/** Share of the time in which a device of a class is in use. */
const USED_SHARES: Partial<Record<DeviceClass, number>> = {
  'patient-monitor': 0.85,
  'infusion-pump': 0.55,
  ventilator: 0.5,
  wearable: 0.9,
};
const ALARM_SHARE = 0.02;
/** Pumps are set anew after so long. */
const INFUSION_MS = 6 * HOUR_MS;
/** Shares of the time on which a device runs on its battery, and of low batteries among those. */
const BATTERY_MS = 4 * HOUR_MS;
const ON_BATTERY_SHARE = 0.2;
const LOW_BATTERY_SHARE = 0.05;

/** A device that reports, and when. */
export interface Reporter {
  readonly device: SimulatedDevice;
  readonly beat: Beat;
}

interface Reporters {
  readonly all: readonly Reporter[];
  /** Of all of them, in their order. */
  readonly beats: Beats;
  readonly byUid: ReadonlyMap<string, Reporter>;
}

const reporters = new WeakMap<Hospital, Reporters>();

/** How a device reports; undefined of one that does not, or where the setting `rates.telemetry` is 0. */
export function reporterOf(hospital: Hospital, device: SimulatedDevice): Reporter | undefined {
  return reportersOf(hospital).byUid.get(device.view.uid);
}

/** Telemetry of medical devices, wearables and gateways on cellular networks. */
export const TELEMETRY_LIFE: Life = {
  name: 'telemetry',
  drafts: ({ hospital, startMs, endMs }) => {
    const drafts: EventDraft[] = [];
    const { all, beats } = reportersOf(hospital);
    const due = beats.within(startMs, endMs);
    for (let i = 0; i < due.length; i += 3) {
      drafts.push(reportDraft(all[due[i] as number] as Reporter, due[i + 1] as number));
    }
    return drafts;
  },
};

/** Facts of a report that a device did not make up itself. */
export interface Reported {
  readonly timeMs: number;
  readonly sequence: number;
  readonly status: string;
  readonly batteryPercent: number;
  readonly readings?: Readings;
}

/**
 * The n-th report of a device; `n` is its sequence number, see `firstBeat` for which one comes next.
 *
 * @param changed - what an attack says instead
 */
export function reportDraft({ device, beat }: Reporter, n: number, changed: Partial<Reported> = {}): EventDraft {
  const timeMs = changed.timeMs ?? beatTime(beat, n);
  const { status, batteryPercent, readings } = { ...stateAt(device, beat.key, n, timeMs), ...changed };
  const source = device.view.type === 'cellular-gateway' ? 'network-monitor' : 'biomed-gateway';
  return deviceDraft(timeMs, source, 'device.telemetry-reported', device.view, {
    status,
    battery_percent: batteryPercent,
    sequence: changed.sequence ?? n,
    ...(readings === undefined ? {} : { readings, digest: digestOf(readings) }),
  });
}

function reportersOf(hospital: Hospital): Reporters {
  const known = reporters.get(hospital);
  if (known !== undefined) return known;
  const { seed, settings } = hospital;
  const rate = settings.eventRateFactor * settings.rates.telemetry;
  const key = SeededRandom.ofStream(seed, 'telemetry').word();
  const all = hospital.devices.flatMap((device, index) => {
    const intervalMs = INTERVALS_MS[device.view.type];
    if (intervalMs === undefined || rate === 0) return [];
    return [{ device, beat: beatOf(key, index, Math.max(1_000, Math.round(intervalMs / rate)), JITTER) }];
  });
  const beats = new Beats(all.map(({ beat }) => beat));
  const built = { all, beats, byUid: new Map(all.map((reporter) => [reporter.device.view.uid, reporter])) };
  reporters.set(hospital, built);
  return built;
}

function stateAt(
  { view }: SimulatedDevice,
  key: number,
  n: number,
  timeMs: number,
): Omit<Reported, 'timeMs' | 'sequence'> {
  const batteryPercent = batteryAt(key, timeMs);
  const period = view.type === 'infusion-pump' ? Math.floor(timeMs / INFUSION_MS) : patientAt(key, timeMs);
  if (drawFraction(key, period, 5) >= (USED_SHARES[view.type] ?? 1)) return { status: 'standby', batteryPercent };
  const status =
    batteryPercent < 15 ? 'battery-low' : drawFraction(key, n, 6) < ALARM_SHARE ? 'alarm-acknowledged' : 'ok';
  switch (view.type) {
    case 'patient-monitor':
    case 'ventilator':
    case 'wearable':
      return { status, batteryPercent, readings: readingsOf(view.type, key, n, timeMs) };
    case 'infusion-pump':
      return { status, batteryPercent, readings: { rate_ml_h: (2 + drawIndex(240, key, period, 7)) / 2 } };
    default:
      return { status, batteryPercent };
  }
}

/** Full while plugged in; else less with every hour. */
function batteryAt(key: number, timeMs: number): number {
  const period = Math.floor(timeMs / BATTERY_MS);
  if (drawFraction(key, period, 8) >= ON_BATTERY_SHARE) return 96 + drawIndex(5, key, period, 9);
  const share = timeMs / BATTERY_MS - period;
  const least = drawFraction(key, period, 10) < LOW_BATTERY_SHARE ? 5 : 45;
  return Math.round(95 - (95 - least) * share);
}
