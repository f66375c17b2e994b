import { CONFIG_KEYS, environmentNameOf, parseConfig } from './config';
import type { ProtegoError } from './error';

const failureOf = (yamlText: string, environment = {}): Pick<ProtegoError, 'code' | 'message' | 'details'> => {
  try {
    parseConfig(yamlText, 'protego.yaml', environment);
  } catch (error) {
    const { code, message, details } = error as ProtegoError;
    return { code, message, details };
  }
  throw new Error('the configuration was taken');
};

describe('parseConfig', () => {
  it('fills in every default', () => {
    expect(parseConfig('site: north', 'protego.yaml')).toEqual({
      site: 'north',
      clock: 'wall',
      logDir: '.protego/log',
      keysDir: '',
      pseudonymKeyFile: '.protego/pseudonym.key',
      checkpoint: { everyRecords: 65_536, everyMs: 10_000 },
      dedupeHorizonMs: 2_592_000_000,
      streamsDir: 'streams',
      enclave: { processes: 2, platformDir: '', unlock: [] },
      nats: { url: 'nats://127.0.0.1:4222', user: 'engine', passwordFile: '.protego/nats/engine.password' },
      http: { host: '127.0.0.1', port: 8686, certFile: '', keyFile: '', bodyBytesMax: 8_388_608 },
      tokens: [],
      intake: { batchEventsMax: 512, queueEventsMax: 8_192 },
      artefacts: { approvals: 0, approvers: [] },
      tickAfterMs: 5_000,
    });
  });

  it('takes what the file says, part of a group too', () => {
    const { http, tokens } = parseConfig(
      `site: north\nhttp: { port: 0 }\ntokens:\n  - source: ehr\n    tokenSha256: ${'a'.repeat(64)}\n`,
      'protego.yaml',
    );
    expect(http).toMatchObject({ port: 0, host: '127.0.0.1' });
    expect(tokens).toEqual([{ source: 'ehr', tokenSha256: 'a'.repeat(64) }]);
  });

  it.each([
    ['site: north\nclok: wall\n', 'clok', 2],
    ['site: north\n\nhttp:\n  port: 1\n  prot: 2\n', 'http.prot', 5],
    ['site: north\nextra:\n\n  deep: 1\n', 'extra', 2],
    ['site: north\nempty:\n', 'empty', 2],
    ['site: north\n__proto__: 1\n', '__proto__', 2],
    [
      `site: north\ntokens:\n  - { source: a, tokenSha256: '${'a'.repeat(64)}' }\n  - source: b\n    tokenSha256: ${'b'.repeat(64)}\n    more: 1\n`,
      'tokens.1.more',
      6,
    ],
  ])('names the line of an unknown key in %j', (yamlText, key, line) => {
    const { code, message, details } = failureOf(yamlText);
    expect({ code, details }).toEqual({ code: 'CONFIG_INVALID', details: { path: 'protego.yaml', line, key } });
    expect(message).toBe(`protego.yaml:${line}: \`${key}\` is not a known key`);
  });

  it.each([
    ['site: north\nclock: sun\n', 'clock', 2],
    ['site: North\n', 'site', 1],
    ['site: north\nhttp:\n  host: a\n  port: 99999\n', 'http.port', 4],
    ['site: north\nhttp:\n  port: "80"\n', 'http.port', 3],
    ['site: north\nnats: 1\n', 'nats', 2],
    ['site:\n', 'site', 1],
  ])('names the line of a wrong value in %j', (yamlText, key, line) => {
    expect(failureOf(yamlText)).toMatchObject({ code: 'CONFIG_INVALID', details: { key, line } });
  });

  it.each([
    ['site: north\nsite: south\n'],
    ['site: [1\n'],
    ['site: *nowhere\n'],
    ['a: 1\n---\nb: 2\n'],
    ['- site\n'],
    ['text'],
  ])('refuses %j, with a line', (yamlText) => {
    const { code, details } = failureOf(yamlText);
    expect(code).toBe('CONFIG_INVALID');
    expect(details['line']).toEqual(expect.any(Number));
  });

  it('refuses aliases that would grow without bound', () => {
    const levels = Array.from({ length: 12 }, (_, n) => `l${n + 1}: &a${n + 1} [${`*a${n}, `.repeat(10)}]`);
    expect(failureOf(`site: north\nl0: &a0 [x]\n${levels.join('\n')}\n`).code).toBe('CONFIG_INVALID');
  });

  it('says which key is missing', () => {
    expect(failureOf('')).toMatchObject({ code: 'CONFIG_INVALID', message: 'protego.yaml: `site` is missing' });
  });
});

describe('environment', () => {
  it('overrides what the file says, and stands in for what it leaves out', () => {
    const environment = { PROTEGO_SITE: 'south', PROTEGO_HTTP_PORT: '0', PROTEGO_HTTP_CERTFILE: '', PATH: '/bin' };
    expect(parseConfig('site: north\nhttp: { port: 1, certFile: a }\n', 'p', environment)).toMatchObject({
      site: 'south',
      http: { port: 0, certFile: '' },
    });
    expect(parseConfig('', 'p', environment).site).toBe('south');
  });

  it('is checked like the file', () => {
    const failure = failureOf('site: north', { PROTEGO_HTTP_PORT: 'many' });
    expect(failure).toMatchObject({
      code: 'CONFIG_INVALID',
      details: { path: 'protego.yaml with environment', key: 'http.port' },
    });
    expect(failureOf('site: north', { PROTEGO_CLOCK: 'sun' }).code).toBe('CONFIG_INVALID');
  });

  it('does not override lists', () => {
    expect(parseConfig('site: north', 'p', { PROTEGO_TOKENS: '[]' }).tokens).toEqual([]);
  });

  it('has a variable of its own for every key', () => {
    const names = Object.keys(CONFIG_KEYS).map(environmentNameOf);
    expect(new Set(names).size).toBe(names.length);
    expect(environmentNameOf('http.bodyBytesMax')).toBe('PROTEGO_HTTP_BODYBYTESMAX');
  });

  it('has a meaning in words for every key', () => {
    for (const { description } of Object.values(CONFIG_KEYS)) expect(description).toMatch(/^[A-Z].*\.$/);
  });
});
