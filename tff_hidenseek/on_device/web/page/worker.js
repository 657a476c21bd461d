// The worker in which a page's model lives, so that the page stays smooth.  It is
// no module, because LiteRT's loader needs `importScripts`; what it loads are.

'use strict';

const modules = Promise.all([
  import('./client.js'), import('./personal.js'), import('./storage.js'),
]);
const ready = modules.then(async ([{Client}, {Personal}, {Storage}]) => {
  const storage = await Storage.open();
  const client = new Client(storage, (state) => postMessage({state}));
  return {storage, client, personal: new Personal(storage)};
});

// What a page may ask for, by name; the result is posted back.
const tasks = {
  remember: async ({client}) => client.remember(),
  takePart: async ({client}, {token}) => client.takePart(token),
  setPaused: async ({client}, {isPaused}) => client.setPaused(isPaused),
  addExample: async ({client}, {image, label}) =>
      client.addExample(image, label),
  classify: async ({personal}, {image}) => personal.classify(image),
  readLayer: async ({client, personal}) => personal.readLayer(client.connection),
  readSigns: async ({personal}) => personal.readSigns(),
  writeFile: async ({client, personal}, {flavour}) =>
      personal.writeFile(flavour, client.connection),
};

onmessage = async ({data: {id, name, values}}) => {
  try {
    postMessage({id, result: await tasks[name](await ready, values)});
  } catch (error) {
    postMessage({id, error: error.message});
  }
};
