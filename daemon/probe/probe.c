/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The table of rows and the walk over it. The order matters where one protocol's messages are also another's: the closer
 * name stands first (mDNS before DNS).
 */
#include "digest.h"
#include "first.h"
#include "probe.h"
#include "probes.h"

static const struct probe *const rows[] = {
	&probe_bubble,
	&probe_sadp,
	&probe_hik_sdk,
	&probe_isup,
	&probe_ezviz,
	&probe_dhip,
	&probe_dvrip,
	&probe_dahua_discovery,
	&probe_dahua_p2p,
	&probe_dahua_autoreg,
	&probe_xm_sofia,
	&probe_pppp,
	&probe_tutk,
	&probe_tuya,
	&probe_baichuan,
	&probe_tvt,
	&probe_miio,
	&probe_vstarcam,
	&probe_tplink_shp,
	&probe_foscam,
	&probe_dlink,
	&probe_ubnt_discovery,
	&probe_gvcp,
	&probe_bosch,
	&probe_hanwha,
	&probe_vivotek,
	&probe_panasonic,
	&probe_sony,
	&probe_vision360,
	&probe_nice,
	&probe_hytera,
	&probe_http,
	&probe_http2,
	&probe_tls,
	&probe_rtsp,
	&probe_sip,
	&probe_mqtt,
	&probe_ssh,
	&probe_ftp,
	&probe_smtp,
	&probe_imap,
	&probe_pop3,
	&probe_telnet,
	&probe_rtmp,
	&probe_rdp,
	&probe_rfb,
	&probe_smb,
	&probe_socks,
	&probe_bittorrent,
	&probe_openvpn,
	&probe_stun,
	&probe_rpc,
	&probe_syslog,
	&probe_quic,
	&probe_dtls,
	&probe_mdns,
	&probe_llmnr,
	&probe_netbios,
	&probe_dns,
	&probe_ntp,
	&probe_dhcp,
	&probe_dhcpv6,
	&probe_ssdp,
	&probe_wsdiscovery,
	&probe_srt,
	&probe_rtcp,
	&probe_rtp,
	&probe_coap,
	&probe_snmp,
	&probe_tftp,
	&probe_wireguard,
	&probe_ike,
	&probe_esp,
	&probe_dht,
	&probe_utp,
	&probe_icmp,
	&probe_icmp_tunnel,
	&probe_onvif,
	&probe_websocket,
	&probe_doh,
	&probe_dot,
	&probe_doq,
	&probe_gb28181,
	&probe_turn,
	&probe_nfs,
	NULL,
};

const struct probe *const *
probe_list(size_t *ret_n)
{
	*ret_n = 0;
	while (rows[*ret_n])
		++*ret_n;
	return rows;
}

enum probe_result
probe_alias(const struct probe_input *in, struct app *app)
{
	(void)in;
	(void)app;
	return PROBE_NO;
}

bool
probe_start(void)
{
	return digest_start();
}

/* A row that waits for a side which will not grow any more waits in vain. */
static bool
may_still_grow(const struct probe *p, const struct probe_input *in)
{
	for (unsigned side = PROBE_TO_SERVER; side <= PROBE_TO_CLIENT; side++)
		if ((p->proves & 1u << side) && !in->side[side].ended)
			return true;
	return false;
}

/* As if all of it were zero. Its texts are read up to their end only, so their 2 KiB need not be written for each packet. */
static void
app_clear(struct app *a)
{
	char *const texts[] = {a->name,	      a->query,	      a->ja4,	a->http_method, a->http_path,  a->http_user_agent,
			       a->http_server, a->http_realm, a->banner, a->tls_subject, a->tls_issuer, a->detail};

	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		texts[i][0] = 0;
	a->protocol = NULL;
	a->has_name = a->has_query = a->ech = a->encrypted = a->tls_certificate = false;
	a->query_type = a->query_class = a->tls_version = a->http_status = 0;
	a->quic_version = 0;
	a->n_alpn = 0;
}

enum probe_result
probe_inspect(const struct probe_input *in, struct app *ret_app)
{
	uint64_t ask[FIRST_WORDS];
	bool open = false;

	app_clear(ret_app);
	first_rows(in, ask);
	for (size_t w = 0; w < FIRST_WORDS; w++) {
		for (; ask[w]; ask[w] &= ask[w] - 1) {
			const struct probe *p = rows[w * 64 + (size_t)__builtin_ctzll(ask[w])];
			if (p->l4 && p->l4 != in->l4)
				continue;
			switch (p->inspect(in, ret_app)) {
			case PROBE_DONE:
				if (!ret_app->protocol)
					ret_app->protocol = p->name;
				return PROBE_DONE;
			case PROBE_MORE:
				open = open || may_still_grow(p, in);
				break;
			case PROBE_NO:
				break;
			}
		}
	}
	return open ? PROBE_MORE : PROBE_NO;
}
