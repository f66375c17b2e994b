import { canonicalJson, formatRfc3339, inputSubject, type ProtegoEvent } from '@protego/contracts';
import { SITE } from './engine-house';

/** Rule that looks at one event alone. */
export const FIRMWARE_RULE = '2c705359-9292-4b78-a587-12af0428e13a';
/** Correlation that misses an announcement of the same change. */
export const UNANNOUNCED_RULE = 'dd2ce9fe-ed41-52da-aab8-eb8b45450445';
/** Correlation over events of one address. */
export const STUFFING_RULE = '846ab004-fd97-4431-bb5c-50140547bca8';
/** Files of {@link FIRMWARE_RULE} and {@link STUFFING_RULE}, for an engine that has to find these and nothing else. */
export const SAMPLE_RULE_FILES = ['unsigned-medical-device-firmware.yml', 'many-names-tried-from-one-address.yml'];
/** Account names that one address must try for {@link STUFFING_RULE}. */
export const STUFFING_NAMES = 15;

type Part = Partial<ProtegoEvent> & Pick<ProtegoEvent, 'id'>;

/** An event of the probe with everything that is required. */
export function probeEvent(timeMs: number, part: Part): ProtegoEvent {
  const type = part.type ?? 'device.telemetry-reported';
  const data = part.data ?? { device: { uid: 'pump-1' } };
  return { specversion: '1.0', source: 'probe', site: SITE, time: formatRfc3339(timeMs), ...part, type, data };
}

/** Raises {@link FIRMWARE_RULE} by itself, and {@link UNANNOUNCED_RULE} once nobody can announce it any more. */
export function unsignedFirmware(timeMs: number, id: string, part: Partial<ProtegoEvent> = {}): ProtegoEvent {
  const data = { device: { uid: `pump-${id}`, type: 'infusion-pump' }, version: '9', signed: false };
  return probeEvent(timeMs, { ...part, id, type: 'device.firmware-changed', data });
}

/** One of the events that together raise {@link STUFFING_RULE}. */
export function failedSignIn(timeMs: number, id: string, ip: string, name: string, source = 'probe'): ProtegoEvent {
  const data = { user: { uid: name }, src_endpoint: { ip } };
  return probeEvent(timeMs, { id, source, type: 'access.sign-in-failed', data });
}

/** An event that says nothing but what time it is, by the producer that carries the clock of a simulated site. */
export function clockTick(arrivedAtMs: number): ProtegoEvent {
  const time = formatRfc3339(arrivedAtMs);
  const id = `tick-${arrivedAtMs}`;
  return probeEvent(arrivedAtMs, { id, source: 'simulation-clock', type: 'clock.ticked', arrivedat: time, data: {} });
}

/** Where an event of a source is published. */
export function subjectOf({ type, source, site }: ProtegoEvent): string {
  return inputSubject(site, type.slice(0, type.indexOf('.')), source);
}

export const bytesOf = (event: unknown): Buffer => Buffer.from(canonicalJson(event), 'utf8');
