export PATH="$HOME/node_modules/.bin:$HOME/.stratum/node/node_modules/.bin:$PATH"
export NODE_ENV="${NODE_ENV:-production}"
export NPM_CONFIG_UPDATE_NOTIFIER=false
