// What the browser keeps of a client, in IndexedDB: values by their names.

export const DATABASE = 'hidenseek';
const STORE = 'client';

export class Storage {
  static async open() {
    const request = indexedDB.open(DATABASE, 1);
    request.onupgradeneeded = () => request.result.createObjectStore(STORE);
    return new Storage(await settle(request));
  }

  constructor(database) {
    this.database = database;
    // Another tab forgets all: what is open would keep it from doing so.
    database.onversionchange = () => database.close();
  }

  /** Returns the value of a name; `undefined` if there is none. */
  read(name) {
    return settle(this.transact('readonly').get(name));
  }

  /** Writes the values of an object by their names, all of them or none. */
  write(values) {
    const store = this.transact('readwrite');
    for (const [name, value] of Object.entries(values)) store.put(value, name);
    return new Promise((resolve, reject) => {
      store.transaction.oncomplete = resolve;
      store.transaction.onabort = () => reject(store.transaction.error);
    });
  }

  /** Forgets everything. */
  clear() {
    return settle(this.transact('readwrite').clear());
  }

  transact(mode) {
    return this.database.transaction(STORE, mode).objectStore(STORE);
  }
}

function settle(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}
