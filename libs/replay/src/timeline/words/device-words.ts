import { always, part, said, type Fields, type Wordings } from './fields';

const device = (fields: Fields): string => fields.first('device.uid', 'device.name') ?? 'a device';
const by = (fields: Fields): string | undefined => part('by', fields.name('actor.user.uid'));

/** A side of a connection: its name, else its address, with the port. */
function endpoint(fields: Fields, side: 'src_endpoint' | 'dst_endpoint'): string {
  const name = fields.first(`${side}.hostname`, `${side}.ip`) ?? 'somewhere';
  const port = side === 'dst_endpoint' ? fields.text(`${side}.port`) : undefined;
  return port === undefined ? name : `${name} port ${port}`;
}

/** How events about devices are told. */
export const DEVICE_WORDS: Wordings = {
  'device.joined': {
    one: (fields) => said(device(fields), 'joined', fields.text('network') ?? 'the network'),
    many: ['network join', 'network joins'],
  },
  'device.left': {
    one: (fields) => said(device(fields), 'left', fields.text('network') ?? 'the network'),
    many: ['network leave', 'network leaves'],
  },
  'device.network-flow-observed': {
    one: (fields) =>
      said(
        endpoint(fields, 'src_endpoint'),
        'connected to',
        endpoint(fields, 'dst_endpoint'),
        part('for', fields.first('application', 'protocol')),
        part('and sent', bytesOf(fields.number('traffic.bytes_out'))),
      ),
    many: ['connection', 'connections'],
    alike: (fields) => fields.first('application', 'protocol'),
  },
  'device.telemetry-reported': {
    one: (fields) => said(device(fields), 'reported its state', part('as', fields.text('status'))),
    many: ['telemetry report', 'telemetry reports'],
    isNotable: (fields) => ['alarm', 'error', 'failed', 'fault'].includes(fields.text('status') ?? ''),
    alike: (fields) => fields.text('status'),
  },
  'device.firmware-changed': {
    one: (fields) =>
      said(
        `the firmware of ${device(fields)} changed`,
        part('from', fields.text('previous_version')),
        part('to', fields.text('version')),
        by(fields),
        fields.flag('signed') === false && 'without a signature',
      ),
    many: ['firmware change', 'firmware changes'],
    isNotable: always,
  },
  'device.config-changed': {
    one: (fields) =>
      said(
        part('the setting', fields.text('setting')) ?? 'a setting',
        `of ${device(fields)} changed`,
        part('from', fields.text('previous_value')),
        part('to', fields.text('value')),
        by(fields),
      ),
    many: ['configuration change', 'configuration changes'],
    isNotable: always,
  },
  'device.process-started': {
    one: (fields) =>
      said(
        part('the process', fields.first('process.name', 'process.cmd_line')) ?? 'a process',
        `started on ${device(fields)}`,
        part('from', fields.text('process.parent_process.name')),
        by(fields),
      ),
    many: ['process start', 'process starts'],
    alike: (fields) => fields.text('process.name'),
  },
  'device.file-changed': {
    one: (fields) =>
      said(
        part('the file', fields.first('file.path', 'file.name')) ?? 'a file',
        `on ${device(fields)} was ${fields.text('activity') ?? 'changed'}`,
        by(fields),
      ),
    many: ['file change', 'file changes'],
    alike: (fields) => fields.text('activity'),
  },
  'device.address-claimed': {
    one: (fields) =>
      said(
        part('the card', fields.text('mac')) ?? 'a network card',
        part('of', fields.text('device.uid')),
        part('said that it has the address', fields.text('ip')) ?? 'claimed an address',
      ),
    many: ['address claim', 'address claims'],
  },
  'device.access-point-observed': {
    one: (fields) =>
      said(
        fields.flag('access_point.managed') === false && 'the unmanaged',
        part('access point', fields.first('access_point.bssid')) ?? 'an access point',
        part('named', fields.text('access_point.ssid')),
        'was',
        fields.flag('access_point.on_wire') === true ? 'found on the wire' : 'heard',
        part('in', fields.text('ward')),
      ),
    many: ['access point sighting', 'access point sightings'],
    // Those that are only heard may belong to the street.
    isNotable: (fields) =>
      fields.flag('access_point.managed') === false && fields.flag('access_point.on_wire') === true,
    alike: (fields) => (fields.flag('access_point.managed') === false ? 'unmanaged' : undefined),
  },
  'device.agent-reported': {
    one: (fields) =>
      said(
        `the log agent of ${device(fields)}`,
        part('is', fields.text('status')) ?? 'reported',
        part('and shipped', countText(fields.number('records'))),
      ),
    many: ['report of a log agent', 'reports of a log agent'],
    isNotable: (fields) => !['running', undefined].includes(fields.text('status')),
    alike: (fields) => fields.text('status'),
  },
  'device.media-attached': {
    one: (fields) =>
      said(
        fields.flag('media.known') === false && 'an unknown',
        part('medium', fields.first('media.uid', 'media.type')) ?? 'a medium',
        `was attached to ${device(fields)}`,
        by(fields),
      ),
    many: ['medium attached', 'media attached'],
    isNotable: always,
  },
  'device.image-stored': {
    one: (fields) =>
      said(
        part('images of the kind', fields.text('image.modality')) ?? 'images',
        part('from', fields.first('src_endpoint.hostname', 'application_entity', 'src_endpoint.ip')),
        `were stored in ${device(fields)}`,
        isOddPreamble(fields) && `; their preamble is ${fields.text('image.preamble')}`,
      ),
    many: ['study stored', 'studies stored'],
    isNotable: isOddPreamble,
  },
  'device.maintenance-started': {
    one: (fields) =>
      said(`announced work on ${device(fields)} began`, by(fields), part('under ticket', fields.text('ticket'))),
    many: ['start of announced work', 'starts of announced work'],
    isNotable: always,
  },
  'device.maintenance-ended': {
    one: (fields) =>
      said(`announced work on ${device(fields)} ended`, by(fields), part('under ticket', fields.text('ticket'))),
    many: ['end of announced work', 'ends of announced work'],
    isNotable: always,
  },
};

function isOddPreamble(fields: Fields): boolean {
  return !['zero', 'tiff', undefined].includes(fields.text('image.preamble'));
}

function bytesOf(bytes: number | undefined): string | undefined {
  if (bytes === undefined) return undefined;
  const [value, unit] = bytes >= 1e6 ? [bytes / 1e6, 'MB'] : bytes >= 1e3 ? [bytes / 1e3, 'kB'] : [bytes, 'B'];
  return `${Number(value.toPrecision(3))} ${unit}`;
}

function countText(records: number | undefined): string | undefined {
  return records === undefined ? undefined : `${records} records`;
}
