import {
  REJECTION_HEADERS,
  CLOCK_FAMILY,
  CONFIG_KEYS,
  INPUT_FAMILIES,
  KNOWLEDGE_FAMILIES,
  SEVERITIES,
  checkpointSubject,
  detectionSubject,
  eventRegistry,
  familyOf,
  inputSubject,
  lateSubject,
  rejectedSubject,
  ruleFailedSubject,
  skewedSubject,
  type EventTypeVersion,
  type Severity,
} from '@protego/contracts';
import { stringify } from 'yaml';
import { schemaFileOf } from './event-schemas';

interface Channel {
  readonly name: string;
  readonly address: string;
  readonly description: string;
  /** Keys of `components.messages`. */
  readonly messages: readonly string[];
}

const SITE = '{site}';
const SCHEMA_FORMAT = 'application/schema+json;version=draft-2020-12';
const PARAMETERS: Readonly<Record<string, object>> = {
  site: { description: 'Name of the site.' },
  source: { description: 'Name of the declared feed.' },
  severity: { description: 'How bad it is if it is true.', enum: [...SEVERITIES] },
  ruleId: { description: 'Id of the rule, with what cannot stand in a subject made a dash.' },
};

/** `asyncapi.yaml` (AsyncAPI 3.0): what the engine receives and sends on NATS. Schemas stand beside it. */
export function asyncApiDocument(): string {
  const inputs = inputChannels();
  const outputs = outputChannels();
  const server = new URL(String(CONFIG_KEYS['nats.url']?.fallback));
  const document = {
    asyncapi: '3.0.0',
    info: {
      title: 'Protego engine',
      version: '1.0.0',
      description: 'Events in, detections and notices out. The subjects of version 1 only ever gain members.',
    },
    defaultContentType: 'application/json',
    servers: { site: { host: server.host, protocol: 'nats', description: 'The NATS server of the site.' } },
    channels: Object.fromEntries([...inputs, ...outputs].map((channel) => [channel.name, channelOf(channel)])),
    operations: Object.fromEntries([
      ...inputs.map((channel) => operationOf(channel, 'receive')),
      ...outputs.map((channel) => operationOf(channel, 'send')),
    ]),
    components: { messages: messages() },
  };
  const head = '# Made by `npm run reference`; change the source, not this file.\n';
  return head + stringify(document, { lineWidth: 120, aliasDuplicateObjects: false });
}

function inputChannels(): Channel[] {
  return [...INPUT_FAMILIES, ...KNOWLEDGE_FAMILIES, CLOCK_FAMILY].map((family) => ({
    name: `in-${family}`,
    address: inputSubject(SITE, family, '{source}'),
    description: `Events of the family \`${family}\`. Set \`Nats-Msg-Id\` to \`<source>/<id>\`.`,
    messages: eventRegistry
      .all()
      .filter(({ type }) => familyOf(type) === family)
      .map(messageKeyOf),
  }));
}

function outputChannels(): Channel[] {
  // Subject functions turn braces into dashes, so placeholders are put in afterwards.
  const withSource = (subject: string): string => subject.replace('SOURCE', '{source}');
  const withRule = (subject: string): string => subject.replace('RULE', '{ruleId}');
  return [
    {
      name: 'detections',
      address: withRule(detectionSubject(SITE, '{severity}' as Severity, 'RULE')),
      description: 'What rules and detectors found, unless it is muted; each detection once.',
      messages: keysOf('detection.raised'),
    },
    {
      name: 'late',
      address: withSource(lateSubject(SITE, 'SOURCE')),
      description: 'Events that came after the watermark had passed their time.',
      messages: keysOf('pipeline.event-came-late'),
    },
    {
      name: 'skewed',
      address: withSource(skewedSubject(SITE, 'SOURCE')),
      description: "Events that claim a time in the future of the pipeline's clock.",
      messages: keysOf('pipeline.event-skewed'),
    },
    {
      name: 'rule-failures',
      address: withRule(ruleFailedSubject(SITE, 'RULE')),
      description: 'Rules that threw on one event; the stream went on.',
      messages: keysOf('pipeline.rule-failed'),
    },
    {
      name: 'rejected',
      address: withSource(rejectedSubject(SITE, 'SOURCE')),
      description: 'Input that could not become an event, with the reason, both sealed.',
      messages: ['rejection'],
    },
    {
      name: 'checkpoints',
      address: checkpointSubject(SITE),
      description: 'Signed checkpoints of the log: whoever keeps one can tell later whether the log was altered.',
      messages: ['checkpoint'],
    },
  ];
}

function keysOf(type: string): string[] {
  return eventRegistry
    .all()
    .filter((entry) => entry.type === type)
    .map(messageKeyOf);
}

function messageKeyOf({ type, version }: EventTypeVersion): string {
  return `${type}.v${version}`;
}

function channelOf({ address, description, messages: keys }: Channel): object {
  const parameters = [...address.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => [name, PARAMETERS[name] ?? {}]);
  return {
    address,
    description,
    messages: Object.fromEntries(keys.map((key) => [key, { $ref: `#/components/messages/${key}` }])),
    parameters: Object.fromEntries(parameters) as object,
  };
}

function operationOf({ name, description }: Channel, action: 'receive' | 'send'): [string, object] {
  return [`${action}-${name}`, { action, channel: { $ref: `#/channels/${name}` }, summary: description }];
}

function messages(): object {
  const events = eventRegistry.all().map((entry): [string, object] => [
    messageKeyOf(entry),
    {
      name: entry.type,
      title: `${entry.type}, version ${entry.version}`,
      summary: entry.description,
      contentType: 'application/cloudevents+json',
      payload: { schemaFormat: SCHEMA_FORMAT, schema: { $ref: `./schemas/${schemaFileOf(entry)}` } },
    },
  ]);
  return { ...Object.fromEntries(events), rejection: REJECTION, checkpoint: CHECKPOINT };
}

const HEADER_TEXT = { type: 'string' };

const REJECTION = {
  name: 'rejection',
  title: 'Rejection',
  summary:
    'A message that could not become an event, byte for byte, and why, both sealed with the keys of the house. The codes are listed in errors.md.',
  contentType: 'application/octet-stream',
  headers: {
    type: 'object',
    required: Object.values(REJECTION_HEADERS),
    properties: Object.fromEntries(Object.values(REJECTION_HEADERS).map((header) => [header, HEADER_TEXT])),
  },
};

const CHECKPOINT = {
  name: 'checkpoint',
  title: 'Checkpoint',
  summary:
    'A signed note with the size and the root hash of the log (C2SP tlog-checkpoint). log-format.md describes it.',
  contentType: 'text/plain; charset=utf-8',
  payload: { type: 'string' },
};
