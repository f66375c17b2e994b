import { ProtegoError, isProtegoError, messageOf } from './error';
import { ERROR_CODES, type ErrorCode } from './error-codes';

const codes = Object.keys(ERROR_CODES) as ErrorCode[];

describe('ERROR_CODES', () => {
  it.each(codes)('%s tells who can mend it and how', (code) => {
    const { help, origin, retry } = ERROR_CODES[code];
    expect(code).toMatch(/^[A-Z]+(_[A-Z]+)*$/);
    expect(help).toMatch(/^[A-Z].{5,}\.$/);
    expect(['caller', 'environment', 'internal']).toContain(origin);
    expect(['no', 'with-backoff']).toContain(retry);
  });

  it('never tells a caller to repeat what is wrong', () => {
    for (const { origin, retry } of Object.values(ERROR_CODES)) if (origin === 'caller') expect(retry).toBe('no');
  });
});

describe('ProtegoError', () => {
  it('carries what its code says', () => {
    const cause = new Error('disk');
    const error = new ProtegoError('INTAKE_BUSY', 'too many events wait', { queued: 9 }, { cause });
    expect(error).toMatchObject({ name: 'ProtegoError', origin: 'environment', retry: 'with-backoff', cause });
    expect(JSON.parse(JSON.stringify(error))).toEqual({
      code: 'INTAKE_BUSY',
      message: 'too many events wait',
      help: ERROR_CODES.INTAKE_BUSY.help,
      details: { queued: 9 },
    });
  });

  it('is known also from another copy of the module, and nothing else is', () => {
    const foreign = Object.assign(new Error('x'), { name: 'ProtegoError', code: 'INTERNAL' });
    expect([new ProtegoError('INTERNAL', 'x'), foreign].map(isProtegoError)).toEqual([true, true]);
    expect([new Error('x'), { name: 'ProtegoError', code: 'INTERNAL' }, null, 'x'].some(isProtegoError)).toBe(false);
  });
});

describe('messageOf', () => {
  it('makes text of anything thrown', () => {
    expect([new Error('a'), 'b', undefined, 7].map(messageOf)).toEqual(['a', 'b', 'undefined', '7']);
  });
});
