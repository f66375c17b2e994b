import { COMMAND_NAMES, parseCommandInput, type CommandName } from './command-inputs';

const bytesOf = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));

describe('parseCommandInput', () => {
  it.each<[CommandName, object]>([
    ['checkpoint', {}],
    ['rotate-data-key', {}],
    ['erase', { subject: 'p-1', reason: 'request' }],
    ['erase', { subject: 'p-1', reason: 'request', searchTexts: false }],
    ['expire', { olderThanMs: 1, reason: 'policy' }],
    ['export', { selection: { fromSeq: 0, toSeq: 9, types: ['access.*'] }, purpose: 'case', receiver: 'PEM' }],
    ['backup', { directory: '/var/backups', keepCount: 3 }],
    ['reveal', { selection: { subject: 'p-1' }, reason: 'case', recordsMax: 10 }],
    ['enclave-attest', { nonce: '0a'.repeat(16) }],
    ['enclave-inspect', {}],
  ])('takes %s %j', (name, input) => expect(parseCommandInput(name, bytesOf(input))).toEqual(input));

  it('takes an empty message for an empty object', () => {
    expect(parseCommandInput('checkpoint', Buffer.alloc(0))).toEqual({});
  });

  it.each<[CommandName, unknown]>([
    ['checkpoint', { now: true }],
    ['checkpoint', []],
    ['rotate-data-key', { dataKeyId: 7 }],
    ['erase', { subject: 'p-1' }],
    ['erase', { subject: '', reason: 'r' }],
    ['erase', { subject: 'p-1', reason: 'r'.repeat(1_001) }],
    ['expire', { olderThanMs: 0, reason: 'policy' }],
    ['expire', { olderThanMs: '1', reason: 'policy' }],
    ['export', { selection: {}, purpose: 'case', file: '/etc/passwd' }],
    ['export', { selection: { fromSeq: -1 }, purpose: 'case' }],
    ['backup', { directory: 'relative' }],
    ['reveal', { selection: {}, reason: 'case', recordsMax: 1_001 }],
    ['enclave-attest', {}],
    ['enclave-attest', { nonce: '0a'.repeat(15) }],
    ['enclave-attest', { nonce: '0'.repeat(33) }],
  ])('refuses %s %j', (name, input) => {
    expect(() => parseCommandInput(name, bytesOf(input))).toThrow(
      expect.objectContaining({ code: 'REQUEST_INVALID' }) as Error,
    );
  });

  it.each(['{', '\u00ff'])('refuses %j, which is no JSON', (text) => {
    for (const name of COMMAND_NAMES)
      expect(() => parseCommandInput(name, Buffer.from(text, 'latin1'))).toThrow(
        expect.objectContaining({ code: 'REQUEST_INVALID' }) as Error,
      );
  });
});
