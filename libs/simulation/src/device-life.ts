import { endpointOf, type EventDraft } from './draft';
import type { DeviceType, Hospital, SimulatedDevice } from './hospital';
import type { SeededRandom } from './random';

// How often things happen, per device and minute.
const TELEMETRY_RATE = 1;
const FLOW_RATE = 0.65;
const ROAM_RATE = 0.01;
const CONFIG_CHANGE_RATE = 0.001;
const FIRMWARE_CHANGE_RATE = 0.0002;
const MAINTENANCE_RATE = 0.002;

interface FlowKind {
  readonly peer: DeviceType;
  readonly port: number;
  readonly application: string;
  readonly bytesMax: number;
}

/** Whom each type of device talks to, as a rule. */
const FLOW_KINDS: Readonly<Record<DeviceType, readonly FlowKind[]>> = {
  'infusion-pump': [{ peer: 'interface-server', port: 8883, application: 'mqtt-tls', bytesMax: 4000 }],
  'patient-monitor': [{ peer: 'interface-server', port: 2575, application: 'hl7-mllp', bytesMax: 20_000 }],
  tablet: [{ peer: 'ehr-server', port: 443, application: 'https', bytesMax: 400_000 }],
  workstation: [
    { peer: 'ehr-server', port: 443, application: 'https', bytesMax: 900_000 },
    { peer: 'printer', port: 9100, application: 'raw-print', bytesMax: 200_000 },
  ],
  'ehr-server': [{ peer: 'interface-server', port: 2575, application: 'hl7-mllp', bytesMax: 60_000 }],
  'interface-server': [{ peer: 'ehr-server', port: 443, application: 'https', bytesMax: 120_000 }],
  imaging: [{ peer: 'interface-server', port: 104, application: 'dicom', bytesMax: 90_000_000 }],
  printer: [{ peer: 'interface-server', port: 161, application: 'snmp', bytesMax: 900 }],
  'badge-reader': [{ peer: 'interface-server', port: 4070, application: 'osdp', bytesMax: 600 }],
};

const SETTINGS_CHANGED = ['alarm-volume', 'display-brightness', 'network-profile', 'drug-library-version'] as const;

/** Ordinary devices: report, talk, roam, are configured and maintained. */
export class DeviceLife {
  readonly #medical: readonly SimulatedDevice[];
  readonly #mobile: readonly SimulatedDevice[];
  readonly #byType = new Map<DeviceType, SimulatedDevice>();
  readonly #maintenance: SimulatedDevice;
  #firmwareNumber = 0;

  constructor(
    private readonly hospital: Hospital,
    private readonly eventRateFactor: number,
    private readonly random: SeededRandom,
  ) {
    const { devices } = hospital;
    this.#medical = devices.filter(({ type }) => type === 'infusion-pump' || type === 'patient-monitor');
    this.#mobile = devices.filter(({ type }) => type === 'infusion-pump' || type === 'tablet');
    for (const device of devices) if (!this.#byType.has(device.type)) this.#byType.set(device.type, device);
    this.#maintenance = devices.find(({ ward }) => ward === 'technical-services') as SimulatedDevice;
  }

  /** What devices do in one minute. */
  minute(startMs: number): EventDraft[] {
    const drafts: EventDraft[] = [];
    const at = (): number => startMs + this.random.integer(0, 59_999);
    for (const device of this.#medical) {
      for (let n = this.random.times(TELEMETRY_RATE * this.eventRateFactor); n > 0; n--)
        drafts.push(this.#telemetry(at(), device));
    }
    const flowCount = this.random.times(FLOW_RATE * this.hospital.devices.length * this.eventRateFactor);
    for (let n = flowCount; n > 0; n--) drafts.push(this.#flow(at(), this.random.pick(this.hospital.devices)));
    const often = (rate: number, devices: readonly SimulatedDevice[], act: (device: SimulatedDevice) => void): void => {
      for (let n = this.random.times(rate * devices.length); n > 0; n--) act(this.random.pick(devices));
    };
    often(ROAM_RATE, this.#mobile, (device) => drafts.push(...this.#roam(startMs, device)));
    often(CONFIG_CHANGE_RATE, this.#medical, (device) => drafts.push(this.#configChange(at(), device)));
    often(FIRMWARE_CHANGE_RATE, this.#medical, (device) => drafts.push(this.#firmwareChange(at(), device)));
    often(MAINTENANCE_RATE, this.#medical, (device) => drafts.push(this.#maintenanceFlow(at(), device)));
    return drafts;
  }

  #telemetry(timeMs: number, device: SimulatedDevice): EventDraft {
    const status = this.random.chance(0.97) ? 'ok' : this.random.pick(['alarm-acknowledged', 'battery-low', 'standby']);
    return {
      timeMs,
      source: 'biomed-gateway',
      type: 'device.telemetry-reported',
      subject: device.uid,
      data: { device, status, battery_percent: this.random.integer(status === 'battery-low' ? 5 : 40, 100) },
    };
  }

  #flow(timeMs: number, device: SimulatedDevice): EventDraft {
    const kind = this.random.pick(FLOW_KINDS[device.type]);
    const peer = this.#byType.get(kind.peer) as SimulatedDevice;
    return this.#flowDraft(timeMs, device, device, peer, kind);
  }

  /** The maintenance station stands in the clinical zone, so its remote administration is what the house allows. */
  #maintenanceFlow(timeMs: number, device: SimulatedDevice): EventDraft {
    const kind = { port: 22, application: 'ssh', bytesMax: 80_000 };
    return this.#flowDraft(timeMs, device, this.#maintenance, device, kind);
  }

  #flowDraft(
    timeMs: number,
    about: SimulatedDevice,
    from: SimulatedDevice,
    to: SimulatedDevice,
    kind: Omit<FlowKind, 'peer'>,
  ): EventDraft {
    const bytesOut = this.random.integer(200, kind.bytesMax);
    const bytesIn = this.random.integer(100, 9000);
    return {
      timeMs,
      source: 'network-monitor',
      type: 'device.network-flow-observed',
      subject: about.uid,
      data: {
        device: about,
        src_endpoint: { ...endpointOf(from), port: this.random.integer(49_152, 65_535) },
        dst_endpoint: { ...endpointOf(to), port: kind.port },
        protocol: 'tcp',
        application: kind.application,
        traffic: {
          bytes_in: bytesIn,
          bytes_out: bytesOut,
          packets_in: Math.ceil(bytesIn / 1400),
          packets_out: Math.ceil(bytesOut / 1400),
        },
        duration_ms: this.random.integer(20, 30_000),
      },
    };
  }

  #roam(startMs: number, device: SimulatedDevice): EventDraft[] {
    const leftMs = startMs + this.random.integer(0, 20_000);
    const joinedMs = leftMs + this.random.integer(3000, 35_000);
    const shared = { source: 'network-monitor', subject: device.uid } as const;
    return [
      { ...shared, timeMs: leftMs, type: 'device.left', data: { device, network: 'clinical-wireless' } },
      { ...shared, timeMs: joinedMs, type: 'device.joined', data: { device, network: 'clinical-wireless' } },
    ];
  }

  #configChange(timeMs: number, device: SimulatedDevice): EventDraft {
    const setting = this.random.pick(SETTINGS_CHANGED);
    return {
      timeMs,
      source: 'biomed-gateway',
      type: 'device.config-changed',
      subject: device.uid,
      data: { device, setting, actor: this.#technician() },
    };
  }

  #firmwareChange(timeMs: number, device: SimulatedDevice): EventDraft {
    const previous = this.#firmwareNumber++;
    const versions = { version: `4.2.${previous + 1}`, previous_version: `4.2.${previous}` };
    return {
      timeMs,
      source: 'biomed-gateway',
      type: 'device.firmware-changed',
      subject: device.uid,
      data: { device, ...versions, signed: true, actor: this.#technician() },
    };
  }

  #technician(): { user: { uid: string; role: string; ward: string } } {
    const technicians = this.hospital.people.filter(({ user }) => user.role === 'biomedical-technician');
    return { user: this.random.pick(technicians).user };
  }
}
