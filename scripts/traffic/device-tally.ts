import type { ProtegoEvent } from '@protego/contracts';
import { numberAt, textAt } from './event-fields';
import { quantile, ratio, sum, valueOf } from './statistics';

/** What devices of one class did, per device and day where it says so. */
export interface ClassTraffic {
  readonly type: string;
  /** Devices that were seen in at least one event. */
  readonly devices: number;
  readonly eventsPerDay: number;
  readonly telemetryPerDay: number;
  readonly flowsPerDay: number;
  /** Bytes in both directions. */
  readonly bytesPerDay: number;
  /** Bytes of a connection in both directions: median, 10th and 90th percentile. */
  readonly bytesPerFlow: readonly [number, number, number];
}

interface ClassCounts {
  readonly uids: Set<string>;
  events: number;
  telemetry: number;
  readonly flowBytes: number[];
}

/** Counts events, telemetry and connections by class of device. */
export class DeviceTally {
  readonly #classes = new Map<string, ClassCounts>();

  /** Takes one event; those without a device are left out. */
  take({ type, data }: ProtegoEvent): void {
    const [uid, kind] = [textAt(data, 'device.uid'), textAt(data, 'device.type')];
    // What the directory says of devices is no traffic of theirs.
    if (uid === undefined || kind === undefined || type.startsWith('roster.')) return;
    const counts = valueOf(this.#classes, kind, () => ({
      uids: new Set<string>(),
      events: 0,
      telemetry: 0,
      flowBytes: [],
    }));
    counts.uids.add(uid);
    counts.events++;
    if (type === 'device.telemetry-reported') counts.telemetry++;
    if (type === 'device.network-flow-observed')
      counts.flowBytes.push(numberAt(data, 'traffic.bytes_in') + numberAt(data, 'traffic.bytes_out'));
  }

  /** Classes with their figures, the busiest first. */
  classes(days: number): ClassTraffic[] {
    return [...this.#classes]
      .map(([type, { uids, events, telemetry, flowBytes }]): ClassTraffic => {
        const deviceDays = uids.size * days;
        return {
          type,
          devices: uids.size,
          eventsPerDay: ratio(events, deviceDays),
          telemetryPerDay: ratio(telemetry, deviceDays),
          flowsPerDay: ratio(flowBytes.length, deviceDays),
          bytesPerDay: ratio(sum(flowBytes), deviceDays),
          bytesPerFlow: [quantile(flowBytes, 0.5), quantile(flowBytes, 0.1), quantile(flowBytes, 0.9)],
        };
      })
      .sort((a, b) => b.eventsPerDay - a.eventsPerDay || (a.type < b.type ? -1 : 1));
  }
}
