//@ {"entry": "one"}
//@ {"entry": "handledLater"}
//@ {"entry": "many"}
//@ {"entry": "beside"}
export const one = (): string => {
  Promise.reject('nobody waits');
  return 'returned';
};
export const handledLater = async (): Promise<string> => {
  const promise = Promise.reject(new Error('handled'));
  await sleep(1);
  return promise.catch((error: Error) => error.message);
};
export const many = (): number => {
  for (let n = 0; n < 25; n++) Promise.reject(n);
  return 25;
};
export const beside = (): Promise<never> => {
  Promise.reject('first');
  return Promise.reject('second');
};
