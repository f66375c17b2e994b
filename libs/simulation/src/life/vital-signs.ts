import { drawFraction, drawWord } from '../hospital/draws';

const HOUR_MS = 3_600_000;
/** Whoever a device is attached to stays for about four days. */
const PATIENT_MS = 96 * HOUR_MS;
/** Vital signs drift from one of these points in time to the next. */
const DRIFT_MS = 2 * HOUR_MS;

/** What is measured: where people differ, how far it drifts with the hours, how far from one reading to the next. */
interface Sign {
  readonly name: string;
  readonly usual: readonly [from: number, to: number];
  readonly drift: number;
  readonly noise: number;
  readonly decimals: 0 | 1;
  readonly highest?: number;
}

const HEART_RATE: Sign = { name: 'heart_rate', usual: [62, 96], drift: 16, noise: 5, decimals: 0 };
const SPO2: Sign = { name: 'spo2', usual: [93, 98], drift: 2.5, noise: 1.2, decimals: 1, highest: 100 };
const RESPIRATION: Sign = { name: 'respiration', usual: [12, 20], drift: 4, noise: 2, decimals: 0 };

const MONITORED: readonly Sign[] = [
  HEART_RATE,
  SPO2,
  RESPIRATION,
  { name: 'systolic', usual: [108, 148], drift: 20, noise: 7, decimals: 0 },
  { name: 'diastolic', usual: [62, 88], drift: 12, noise: 5, decimals: 0 },
  { name: 'temperature', usual: [36.4, 37.6], drift: 0.8, noise: 0.2, decimals: 1 },
];
const VENTILATED: readonly Sign[] = [RESPIRATION, SPO2];
const WORN: readonly Sign[] = [HEART_RATE, { name: 'glucose', usual: [5, 9], drift: 3.5, noise: 0.8, decimals: 1 }];

/** Readings by name, as they stand in `data.readings`. */
export type Readings = Readonly<Record<string, number>>;

/** What a monitor, a ventilator or a wearable reads at a time; `n` is the number of the reading. */
export function readingsOf(
  type: 'patient-monitor' | 'ventilator' | 'wearable',
  key: number,
  n: number,
  timeMs: number,
): Readings {
  const signs = type === 'patient-monitor' ? MONITORED : type === 'ventilator' ? VENTILATED : WORN;
  const patient = patientAt(key, timeMs);
  const readings: Record<string, number> = {};
  signs.forEach((sign, index) => {
    readings[sign.name] = readingOf(sign, drawWord(patient, index), n, timeMs);
  });
  if (type === 'wearable') readings['steps'] = stepsAt(patient, timeMs);
  return readings;
}

/** Stands for whoever a device is attached to at a time: another number for each of them. */
export function patientAt(key: number, timeMs: number): number {
  const offsetMs = drawFraction(key, 1) * PATIENT_MS;
  return drawWord(key, Math.floor((timeMs + offsetMs) / PATIENT_MS), 2);
}

/** Digest of readings, eight hexadecimal digits: equal readings have an equal one, whenever they were taken. */
export function digestOf(readings: Readings): string {
  let word = 0;
  for (const name of Object.keys(readings)) word = drawWord(word, Math.round((readings[name] as number) * 10));
  return word.toString(16).padStart(8, '0');
}

function readingOf({ usual, drift, noise, decimals, highest }: Sign, key: number, n: number, timeMs: number): number {
  const [from, to] = usual;
  const hours = timeMs / DRIFT_MS;
  const point = Math.floor(hours);
  const here = drawFraction(key, point, 1);
  const drifted = here + (drawFraction(key, point + 1, 1) - here) * (hours - point) - 0.5;
  const value =
    from + drawFraction(key, 0, 2) * (to - from) + drift * drifted + noise * (drawFraction(key, n, 3) - 0.5);
  const scale = decimals === 0 ? 1 : 10;
  return Math.round(Math.min(value, highest ?? value) * scale) / scale;
}

/** Steps since midnight: most of them by day. */
function stepsAt(patient: number, timeMs: number): number {
  const day = Math.floor(timeMs / (24 * HOUR_MS));
  const hour = (timeMs - day * 24 * HOUR_MS) / HOUR_MS;
  const awake = Math.min(1, Math.max(0, (hour - 6) / 15));
  return Math.round(awake * (600 + 3_000 * drawFraction(patient, day, 4)));
}
