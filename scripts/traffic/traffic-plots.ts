import { barChart, bytesText, lineChart } from '@protego/plots';
import { SOURCES } from './published';
import { mean, ratio } from './statistics';
import type { TrafficFigures } from './figures';

/** Parts of a day, by their hours: those of the comparison of weekdays with weekends. */
const DAY_PARTS = [
  { name: 'day, 9–17 h', hours: [9, 17], published: 1.76 },
  { name: 'morning and evening', hours: [6, 9, 17, 22], published: 1.52 },
  { name: 'night, 22–6 h', hours: [22, 24, 0, 6], published: 1.14 },
] as const;

/** Every picture of the page: file name → SVG. */
export function trafficPlots(figures: TrafficFigures): Map<string, string> {
  return new Map([
    ['events-per-device.svg', eventsPerDevice(figures)],
    ['bytes-per-device.svg', bytesPerDevice(figures)],
    ['bytes-per-connection.svg', bytesPerConnection(figures)],
    ['sign-ins-by-hour.svg', signInsByHour(figures)],
    ['reads-by-hour.svg', readsByHour(figures)],
    ['weekday-weekend.svg', weekdayWeekend(figures)],
    ['reads-per-duty.svg', readsPerDuty(figures)],
    ['patients-per-duty.svg', patientsPerDuty(figures)],
    ['related-readers.svg', relatedReaders(figures)],
    ['admissions-by-hour.svg', admissionsByHour(figures)],
    ['discharges-by-hour.svg', dischargesByHour(figures)],
    ['stay-length.svg', stayLength(figures)],
    ['patients-per-nurse.svg', patientsPerNurse(figures)],
  ]);
}

function eventsPerDevice({ classes }: TrafficFigures): string {
  return barChart({
    title: 'Events by class of device',
    axis: 'events a device and day (logarithmic)',
    series: ['all events', 'telemetry'],
    isLogarithmic: true,
    rows: classes.map(({ type, eventsPerDay, telemetryPerDay }) => ({
      name: type,
      values: [eventsPerDay, telemetryPerDay === 0 ? undefined : telemetryPerDay],
    })),
  });
}

function bytesPerDevice({ classes }: TrafficFigures): string {
  const busiest = classes.filter(({ bytesPerDay }) => bytesPerDay > 0).sort((a, b) => b.bytesPerDay - a.bytesPerDay);
  return barChart({
    title: 'Volume by class of device',
    axis: 'a device and day, both directions (logarithmic)',
    series: ['simulated'],
    isLogarithmic: true,
    valueText: bytesText,
    rows: busiest.map(({ type, bytesPerDay }) => ({ name: type, values: [bytesPerDay] })),
  });
}

function bytesPerConnection({ classes }: TrafficFigures): string {
  return barChart({
    title: 'Bytes of a connection by class of device',
    axis: 'both directions (logarithmic)',
    valueText: bytesText,
    series: ['median, simulated'],
    rangeAs: '10th to 90th percentile',
    publishedAs: `${SOURCES.wustl.name}: medical sensor gateway, median`,
    isLogarithmic: true,
    rows: classes
      .filter(({ flowsPerDay }) => flowsPerDay > 0)
      .map(({ type, bytesPerFlow: [median, low, high] }) => ({
        name: type,
        values: [median],
        range: [Math.max(low, 1), Math.max(high, 1)],
        ...(type === 'patient-monitor' ? { published: [682] } : {}),
      })),
  });
}

function signInsByHour({ signIns }: TrafficFigures): string {
  return lineChart({
    title: 'Sign-ins of staff by hour',
    xAxis: 'hour of the day',
    yAxis: 'sign-ins an hour',
    curves: [
      { name: 'weekday', values: signIns.weekday },
      { name: 'weekend', values: signIns.weekend },
    ],
    xFirst: 0,
    xLabelEvery: 2,
  });
}

function readsByHour({ reads, stays }: TrafficFigures): string {
  const perInpatient = (counts: readonly number[]): number[] =>
    counts.map((count) => ratio(count, stays.beds * stays.occupancy));
  return lineChart({
    title: 'Record reads by hour',
    xAxis: 'hour of the day',
    yAxis: 'reads an inpatient and hour',
    curves: [
      { name: 'weekday', values: perInpatient(reads.weekday) },
      { name: 'weekend', values: perInpatient(reads.weekend) },
    ],
    xFirst: 0,
    xLabelEvery: 2,
  });
}

function weekdayWeekend({ reads }: TrafficFigures): string {
  return barChart({
    title: 'Record reads on a weekday, against the same hours at weekends',
    axis: 'reads on a weekday / reads on a day of the weekend',
    series: ['simulated'],
    publishedAs: `${SOURCES.blecker.name}: record accesses an inpatient`,
    rows: DAY_PARTS.map(({ name, hours, published }) => ({
      name,
      values: [ratio(meanOver(reads.weekday, hours), meanOver(reads.weekend, hours))],
      published: [published],
    })),
  });
}

/** Mean over pairs of hours: from the first of each up to the second. */
function meanOver(counts: readonly number[], hours: readonly number[]): number {
  const parts: number[] = [];
  for (let index = 0; index < hours.length; index += 2) parts.push(...counts.slice(hours[index], hours[index + 1]));
  return mean(parts);
}

function readsPerDuty({ roles }: TrafficFigures): string {
  return barChart({
    title: 'Record reads in a duty, by role',
    axis: 'reads a person and duty',
    series: ['median, simulated'],
    rangeAs: '10th to 90th percentile',
    rows: roles.map(({ role, reads: [median, low, high] }) => ({ name: role, values: [median], range: [low, high] })),
  });
}

function patientsPerDuty({ roles }: TrafficFigures): string {
  const published: Readonly<Record<string, readonly number[]>> = { physician: [17], nurse: [8.3] };
  return barChart({
    title: 'Patients whose records are read in a duty, by role',
    axis: 'different patients a person and duty',
    series: ['mean, simulated'],
    rangeAs: '10th to 90th percentile',
    publishedAs: `${SOURCES.hospitalists.name}: patients seen by a physician; ${SOURCES.aiken.name}: patients to a nurse`,
    rows: roles.map(({ role, patients: [average, low, high] }) => ({
      name: role,
      values: [average],
      range: [low, high],
      published: published[role] ?? [],
    })),
  });
}

function relatedReaders({ relationsPerMillion }: TrafficFigures): string {
  const published: Readonly<Record<string, number>> = {
    'co-worker': 975,
    'person on a watch list': 1487,
    'same household': 9202,
    'same street': 58_152,
  };
  return barChart({
    title: 'Reads of the records of people whom the reader knows',
    axis: 'reads of a million (logarithmic)',
    series: ['all, simulated', 'without care relationship, simulated'],
    publishedAs: `${SOURCES.boxwala.name}: co-worker, VIP, family, neighbour`,
    isLogarithmic: true,
    rows: [...relationsPerMillion].map(([name, { all, outsideCare }]) => {
      const count = published[name];
      return {
        name,
        values: [all, outsideCare].map((value) => (value === 0 ? undefined : value)),
        published: count === undefined ? [] : [count / 10.5],
      };
    }),
  });
}

function admissionsByHour({ stays }: TrafficFigures): string {
  return lineChart({
    title: 'Admissions by time of day',
    xAxis: 'hour of the day',
    yAxis: '% admitted before that time',
    curves: [{ name: 'simulated', values: stays.admittedBefore.map(percent) }],
    xFirst: 0,
    xLabelEvery: 2,
    published: [
      { x: 8.7, y: 25 },
      { x: 14.8, y: 50 },
      { x: 19.2, y: 75 },
    ],
    publishedAs: SOURCES.admissions.name,
  });
}

function dischargesByHour({ stays }: TrafficFigures): string {
  return lineChart({
    title: 'Discharges on weekdays by time of day',
    xAxis: 'hour of the day',
    yAxis: '% discharged before that time',
    curves: [{ name: 'simulated', values: stays.dischargedBefore.map(percent) }],
    xFirst: 0,
    xLabelEvery: 2,
    published: [
      { x: 12, y: 13 },
      { x: 15, y: 42.2 },
    ],
    publishedAs: `${SOURCES.florida.name}: 202 hospitals`,
  });
}

function stayLength({ stays }: TrafficFigures): string {
  const published = [
    [SOURCES.hcup.name, 4.5],
    [SOURCES.florida.name, 4.63],
    [SOURCES.admissions.name, 5.5],
    [SOURCES.oecdStays.name, 8],
  ] as const;
  return barChart({
    title: 'Mean stay in the hospital',
    axis: 'days',
    series: ['simulated'],
    publishedAs: 'published',
    rows: [
      { name: 'simulated', values: [stays.stayDays] },
      ...published.map(([name, days]) => ({ name, values: [undefined], published: [days] })),
    ],
  });
}

function patientsPerNurse({ stays }: TrafficFigures): string {
  return lineChart({
    title: 'Patients to a nurse on duty, by hour',
    xAxis: 'hour of the day',
    yAxis: 'inpatients a nurse',
    curves: [
      { name: 'simulated', values: stays.patientsPerNurse },
      { name: `${SOURCES.aiken.name}, mean of nine countries`, values: new Array<number>(24).fill(8.3) },
    ],
    xFirst: 0,
    xLabelEvery: 2,
  });
}

const percent = (part: number): number => part * 100;
