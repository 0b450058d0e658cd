-- Creates pods that wait for a scheduler which does not exist: each stored object is about 2 kB
-- of JSON. One thread of wrk numbers them; PREFIX keeps the names of several runs apart.
local prefix = os.getenv("PREFIX") or "pod"
local number = 0
local body = [[{"apiVersion":"v1","kind":"Pod","metadata":{"name":"%s-%d","labels":{"app":"web",
"app.kubernetes.io/name":"web","app.kubernetes.io/part-of":"shop","pod-template-hash":"5d9f8c7b6",
"tier":"frontend"},"annotations":{"example.com/checksum":"0f343b0931126a20f133d67c2b018a3b1c0f8e7d",
"example.com/owner":"team-shop"}},"spec":{"schedulerName":"nobody","nodeSelector":{"pool":"web"},
"containers":[{"name":"web","image":"registry.local/shop/web:1.25",
"args":["--listen=0.0.0.0:8080","--upstream=http://catalog.shop.svc:8080","--log=json"],
"env":[{"name":"POD_NAME","valueFrom":{"fieldRef":{"fieldPath":"metadata.name"}}},
{"name":"MODE","value":"production"},{"name":"CACHE","value":"redis.shop.svc:6379"}],
"ports":[{"name":"http","containerPort":8080}],
"resources":{"requests":{"cpu":"100m","memory":"64Mi"},"limits":{"memory":"128Mi"}},
"readinessProbe":{"httpGet":{"path":"/ready","port":"http"},"periodSeconds":5},
"livenessProbe":{"httpGet":{"path":"/live","port":"http"},"periodSeconds":10},
"volumeMounts":[{"name":"config","mountPath":"/etc/web"}]}],
"volumes":[{"name":"config","configMap":{"name":"web"}}]}}]]
local path = "/api/v1/namespaces/default/pods"

wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
wrk.headers["Authorization"] = "Bearer " .. os.getenv("TOKEN")

request = function()
  number = number + 1
  return wrk.format(nil, path, nil, string.format(body, prefix, number))
end
