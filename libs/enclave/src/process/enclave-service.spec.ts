import type { ServedHouse } from '../house-keys';
import { IDLE_MS } from '../memory/idle-eviction';
import { overwriteNativeStack } from '../memory/native-stack';
import { EnclaveService, type ServiceRole } from './enclave-service';

jest.mock('../memory/native-stack', () => ({ overwriteNativeStack: jest.fn() }));

describe('EnclaveService', () => {
  beforeEach(() => jest.useFakeTimers());
  afterEach(() => jest.useRealTimers());

  it('overwrites the stack when it was opened, and encrypts all keys a while later, though nobody calls', () => {
    const evictKeys = jest.fn();
    const house = { vault: { evictKeys } } as unknown as ServedHouse;
    const service = new EnclaveService(house, { kind: 'replica' } as ServiceRole);
    expect(overwriteNativeStack).toHaveBeenCalledTimes(1);
    jest.advanceTimersByTime(IDLE_MS - 1);
    expect(evictKeys).not.toHaveBeenCalled();
    jest.advanceTimersByTime(1);
    expect(evictKeys).toHaveBeenCalledTimes(1);
    service.close();
  });
});
