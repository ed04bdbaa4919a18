//@ {"entry": "thenable"}
//@ {"entry": "refusing"}
//@ {"entry": "throwing"}
//@ {"entry": "nested"}
//@ {"entry": "subclass"}
//@ {"entry": "notCallable"}
//@ {"entry": "twice"}
export const thenable = () => ({ then(resolve: (value: number) => void) { resolve(1); } });
export const refusing = () => ({ then(_: unknown, reject: (error: Error) => void) { reject(new Error('refused')); } });
export const throwing = () => ({ then() { throw new RangeError('at once'); } });
export const nested = async () => Promise.resolve({ then: (resolve: (value: unknown) => void) => resolve(Promise.resolve(2)) });
export const subclass = () => (class Later extends Promise<number> {}).resolve(3);
export const notCallable = () => ({ then: 4 });
export const twice = () => ({
  then(resolve: (value: number) => void, reject: (error: Error) => void) {
    resolve(5);
    reject(new Error('too late'));
    throw new Error('too late as well');
  },
});
