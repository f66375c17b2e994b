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
    ['detection-mute', { rule: 'r', entity: { kind: 'device', id: 'pump-1' }, forMs: 1, reason: 'test' }],
    ['detection-acknowledge', { detection: 'd', expiresAtMs: 1, reason: 'test', actor: 'p-1' }],
    ['detection-unmute', { mute: 'muted-1', reason: 'done' }],
    ['artefact-activate', { set: '0a'.repeat(32), reason: 'drill', approvals: ['note'], leavesOutBroken: true }],
    ['artefact-retire', { set: '0a'.repeat(32), reason: 'drill', actor: 'p-1' }],
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
    ['detection-mute', { rule: 'r', forMs: 1 }],
    ['detection-mute', { rule: 'r', forMs: 0, reason: 'test' }],
    ['detection-mute', { entity: { kind: 'device' }, forMs: 1, reason: 'test' }],
    ['detection-acknowledge', { rule: 'r', until: '2026-01-01T00:00:00Z', reason: 'test' }],
    ['detection-unmute', { reason: 'done' }],
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
