import { isLoopbackHost } from './loopback';

describe('isLoopbackHost', () => {
  it.each(['localhost', '127.0.0.1', '127.8.9.10', '::1', '[::1]'])('is true for %s', (host) => {
    expect(isLoopbackHost(host)).toBe(true);
  });

  it.each(['0.0.0.0', '::', '10.0.0.1', '127.0.0.1.example.org', 'localhost.example.org', ''])(
    'is false for %j',
    (host) => {
      expect(isLoopbackHost(host)).toBe(false);
    },
  );
});
