/**
 * Publishes, orders and downloads as users of @oceanprotocol/lib do.
 *
 *     NODE_PATH=…/node_modules node story.js CHAIN SEAMARK FILE FOLDER
 *
 * CHAIN is the file that `seamark devchain --write` has written, SEAMARK and FILE are addresses, and FOLDER is where the
 * downloads go. Prints what it got as JSON.
 */
const fs = require('fs')
const path = require('path')
const Web3 = require('web3')
const { Account, ConfigHelper, DID, Ocean } = require('@oceanprotocol/lib')

const PRICE = '2.5'

/** Returns the client, for a chain and a server of the test's own, with the keys of the chain's accounts. */
async function connected(chain, seamark) {
  const web3 = new Web3(chain.url)
  chain.accounts.forEach(({ key }) => web3.eth.accounts.wallet.add(key))
  const ocean = await Ocean.getInstance({
    ...new ConfigHelper().getConfig('development'),
    web3Provider: web3,
    metadataCacheUri: seamark,
    providerUri: seamark,
    rbacUri: undefined,
    factoryAddress: chain.contracts.DTFactory,
    metadataContractAddress: chain.contracts.Metadata,
    fixedRateExchangeAddress: chain.contracts.FixedRateExchange,
    dispenserAddress: chain.contracts.Dispenser
  })
  return { web3, ocean }
}

/** Publishes an asset that is paid for: on the chain, as the client does, and in the store as well. */
async function publish({ web3, ocean }, seller, seamark, file) {
  const dateCreated = '2026-11-20T12:00:00Z'
  const files = [{ url: file, contentType: 'text/csv' }]
  const main = { type: 'dataset', name: 'Tides', author: 'Harbour office', license: 'CC0', dateCreated, files }
  const access = await ocean.assets.createAccessServiceAttributes(seller, PRICE, dateCreated, 0)
  const ddo = await ocean.assets.create({ main }, seller, [access], undefined, '100', 'Tides', 'TIDE')
  await ocean.onChainMetadata.publish(ddo.id, ddo, seller.getId())

  const nonce = await ocean.provider.getNonce(seller.getId())
  const signature = await ocean.provider.createHashSignature(seller, `POST${ddo.id}${nonce}`)
  const query = new URLSearchParams({ publisherAddress: seller.getId(), signature })
  await ocean.utils.fetch.post(`${seamark}/api/v1/aquarius/assets/ddo?${query}`, JSON.stringify(ddo))
  await ocean.metadataCache.waitForAqua(ddo.id)
  return ddo
}

/** Downloads an asset and returns where its files are in the folder, or the status where it is refused. */
async function downloaded(ocean, ddo, order, buyer, folder) {
  try {
    await ocean.assets.download(ddo.id, order, ddo.dataToken, buyer, folder)
  } catch (error) {
    return error.status
  }
  const [where] = fs.readdirSync(folder)
  return fs.readdirSync(path.join(folder, where)).map((name) => path.join(where, name))
}

/** Publishes, looks, orders, downloads. */
async function tell(chain, seamark, file, folder) {
  const client = await connected(chain, seamark)
  const { ocean, web3 } = client
  const [seller, buyer] = [2, 3].map((number) => new Account(chain.accounts[number].address, { ...ocean, web3 }))
  const ddo = await publish(client, seller, seamark, file)
  await ocean.datatokens.mint(ddo.dataToken, seller.getId(), '10', buyer.getId())

  const story = { seller: seller.getId(), buyer: buyer.getId() }
  story.resolved = JSON.stringify(await ocean.assets.resolve(ddo.id)) === JSON.stringify(ddo)
  story['refused metadata'] = (await ocean.metadataCache.validateMetadata({ main: { type: 'dataset' } })).valid
  story.info = await ocean.provider.fileinfo(file)
  story.consumable = await ocean.provider.isFileConsumable(DID.parse(ddo.id), 1)
  story['without an order'] = await downloaded(ocean, ddo, '0x' + '00'.repeat(32), buyer, folder)
  story.terms = await ocean.assets.initialize(ddo, 'access', buyer.getId(), 1, ocean.provider.url)
  const order = await ocean.assets.order(ddo.id, 'access', buyer.getId())
  story.downloaded = await downloaded(ocean, ddo, order, buyer, folder)
  story['same order'] = order === (await ocean.assets.order(ddo.id, 'access', buyer.getId()))
  story.nonces = await Promise.all([seller, buyer].map((who) => ocean.provider.getNonce(who.getId())))
  return story
}

const [chain, seamark, file, folder] = process.argv.slice(2)
tell(JSON.parse(fs.readFileSync(chain)), seamark, file, folder).then(
  (story) => process.stdout.write(JSON.stringify(story)),
  (error) => {
    process.stderr.write(`${error.stack}\n`)
    process.exit(1)
  }
)
