# Two stages: what builds and tests, and what runs.
ARG BASE=debian:bookworm-slim

FROM $BASE AS build
RUN apt-get update -qq \
	&& apt-get install -y -qq --no-install-recommends make > /dev/null
WORKDIR /customer-similarity
COPY . .
# Both install what they need.
RUN make all
RUN make test

FROM $BASE
RUN apt-get update -qq \
	&& apt-get install -y -qq --no-install-recommends libcsv3 liblapacke \
		libopenblas0-pthread libjansson4 libxxhash0 libmicrohttpd12 libnettle8 zlib1g \
		libunistring2 libstemmer0d \
		> /dev/null \
	&& rm -rf /var/lib/apt/lists/* \
	&& useradd --system --no-create-home --shell /usr/sbin/nologin similar
COPY --from=build /customer-similarity/bin/ /usr/local/bin/
USER similar
EXPOSE 5000
HEALTHCHECK --interval=5s --timeout=3s --start-period=30s \
	CMD ["bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/5000 && printf 'GET /readyz HTTP/1.0\\r\\n\\r\\n' >&3 && grep -q '^HTTP/1.. 200' <&3"]
ENTRYPOINT ["cs-serve"]
CMD ["-b", "0.0.0.0", "-p", "5000", "/trained_model/emb.bin"]
