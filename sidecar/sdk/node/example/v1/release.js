'use strict';
// Version 1 counts.
module.exports = {
  version: 'v1',
  schema: 'counter/1',
  imports: ['counter/1'],
  state: {count: 0},
  add: (state) => state.count++,
  total: (state) => state.count,
  dump: (state) => JSON.stringify(state),
  load: (bytes) => {
    const {count} = JSON.parse(bytes);
    if (!Number.isInteger(count)) throw new Error('there is no count in this state');
    return {count};
  },
};
